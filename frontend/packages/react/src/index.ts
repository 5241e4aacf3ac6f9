/** The components that Headway's own page is made of, and the hooks below them. Styles: `@headway/react/style.css`. */

export * from '../../../src/index'
