import type { ArrayFieldItemTemplateProps, ArrayFieldTemplateProps } from '@rjsf/utils'
import type { MouseEvent } from 'react'
import { Icon } from '../../components/icons'
import { isGroup } from './FieldTemplate'

type Click = MouseEvent<HTMLButtonElement>

/** A list: what is in it, each with what can be done to it, and a button for one more. */
export function ListTemplate({ title, items, canAdd, onAddClick }: ArrayFieldTemplateProps) {
  return (
    <>
      {items.length > 0 && <ol className="app-form__list">{items}</ol>}
      {canAdd && <Add to={title} onClick={onAddClick} />}
    </>
  )
}

export function ItemTemplate({ children, index, schema, buttonsProps: at }: ArrayFieldItemTemplateProps) {
  const name = String(index + 1)
  const move = (by: (event: Click) => void) => (event: Click) => {
    const button = event.currentTarget
    by(event)
    // It went along with its item, and may have come to the end of the list.
    onceDrawn(() => (button.disabled ? button.parentElement?.querySelector('button:enabled') : button))
  }
  const buttons = (
    <div className="app-form__buttons">
      <Tool name="up" label={`Move ${name} up`} disabled={!at.hasMoveUp} onClick={move(at.onMoveUpItem)} />
      <Tool
        name="down"
        label={`Move ${name} down`}
        disabled={!at.hasMoveDown}
        onClick={move(at.onMoveDownItem)}
      />
      <Remove what={name} onClick={at.onRemoveItem} />
    </div>
  )
  if (!isGroup(schema)) {
    return (
      <li className="app-form__item">
        {children}
        {buttons}
      </li>
    )
  }
  return (
    <li>
      <fieldset className="app-form__group">
        <legend>{name}</legend>
        {children}
        {buttons}
      </fieldset>
    </li>
  )
}

type AddProps = { to: string; disabled?: boolean; onClick: (event: Click) => void }

/** One more; what is new gets the focus. */
export function Add({ to, disabled = false, onClick }: AddProps) {
  const onAdd = (event: Click) => {
    const group = event.currentTarget.parentElement
    onClick(event)
    onceDrawn(() =>
      group
        ?.querySelector(':scope > .app-form__list > :last-child')
        ?.querySelector('input, select, textarea, button:enabled'),
    )
  }
  return (
    <button
      type="button"
      className="headway-button app-form__add"
      aria-label={`Add to ${to}`}
      disabled={disabled}
      onClick={onAdd}
    >
      Add
    </button>
  )
}

/** The focus stays near: at the button for one more. */
export function Remove({ what, onClick }: { what: string; onClick: (event: Click) => void }) {
  const onRemove = (event: Click) => {
    const group = event.currentTarget.closest('.app-form__list')?.parentElement
    onClick(event)
    onceDrawn(() => group?.querySelector(':scope > .app-form__add'))
  }
  return <Tool name="failed" label={`Remove ${what}`} onClick={onRemove} />
}

type ToolProps = {
  name: 'up' | 'down' | 'failed'
  label: string
  disabled?: boolean
  onClick: (event: Click) => void
}

function Tool({ name, label, disabled = false, onClick }: ToolProps) {
  return (
    <button
      type="button"
      className="headway-button headway-button--quiet"
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={name} />
    </button>
  )
}

function onceDrawn(find: () => Element | null | undefined): void {
  requestAnimationFrame(() => {
    const element = find()
    if (element instanceof HTMLElement) element.focus()
  })
}
