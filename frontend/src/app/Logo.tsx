/** Name and mark of the product. */
export function Logo() {
  return (
    <span className="app-logo">
      <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="8" />
        <path d="M8 10h9M8 16h14M8 22h6" />
        <circle cx="23" cy="22" r="2.6" />
      </svg>
      Headway
    </span>
  )
}
