/** Which server and which workflow stand in the address: `?server=http://127.0.0.1:8321/&workflow=quickstart`. */

import '@headway/element'

const asked = new URLSearchParams(location.search)
const element = document.querySelector('headway-execution')
element.addEventListener('complete', ({ detail }) => {
  document.querySelector('#outcome').textContent = `${detail.status}: ${JSON.stringify(detail.output)}`
})
element.setAttribute('server', asked.get('server') ?? 'http://127.0.0.1:8321/')
element.setAttribute('workflow', asked.get('workflow') ?? 'quickstart')
