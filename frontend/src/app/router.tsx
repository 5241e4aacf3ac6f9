/** Addresses of the pages; what a page shows stands in its address, so that it can be reloaded and sent to somebody. */

import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router'
import { baseAddress } from '../api/address'
import { ExecutionPage } from './ExecutionPage'
import { ExecutionsPage } from './ExecutionsPage'
import { NotFoundPage } from './NotFoundPage'
import { WorkflowPage, WorkflowsPage } from './pages'
import { Shell } from './Shell'

export type ExecutionsSearch = {
  workflow?: string | undefined
  status?: string[] | undefined
  cursor?: string | undefined
}

const root = createRootRoute({ component: Shell, notFoundComponent: () => <NotFoundPage /> })
const parent = () => root

const routes = root.addChildren([
  createRoute({ getParentRoute: parent, path: '/', component: WorkflowsPage }),
  createRoute({
    getParentRoute: parent,
    path: '/workflows/$workflowId',
    component: WorkflowPage,
    validateSearch: (search: Record<string, unknown>): { execution?: string | undefined } => ({
      execution: text(search['execution']),
    }),
  }),
  createRoute({
    getParentRoute: parent,
    path: '/executions',
    component: ExecutionsPage,
    validateSearch: (search: Record<string, unknown>): ExecutionsSearch => ({
      workflow: text(search['workflow']),
      status: texts(search['status']),
      cursor: text(search['cursor']),
    }),
  }),
  createRoute({ getParentRoute: parent, path: '/executions/$executionId', component: ExecutionPage }),
])

export const router = createRouter({
  routeTree: routes,
  basepath: baseAddress().pathname,
  defaultPreload: false,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function texts(value: unknown): string[] | undefined {
  const list = Array.isArray(value) ? value : [value]
  const strings = list.filter((each): each is string => typeof each === 'string' && each !== '')
  return strings.length > 0 ? strings : undefined
}
