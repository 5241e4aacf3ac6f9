/** The kit's look, drawn from the same variables as the embeddable components. */

import { createTheme, type MantineColorsTuple } from '@mantine/core'

const accent: MantineColorsTuple = [
  '#eaefff',
  '#d3dcff',
  '#aebfff',
  '#8ea6ff',
  '#6d88f5',
  '#4d6ce6',
  '#3b5bdb',
  '#3350c4',
  '#2b44a8',
  '#22378a',
]

export const theme = createTheme({
  primaryColor: 'accent',
  colors: { accent },
  defaultRadius: 8,
  fontFamily: 'var(--headway-font)',
  fontFamilyMonospace: 'var(--headway-mono)',
  headings: { fontFamily: 'var(--headway-font)', fontWeight: '650' },
})
