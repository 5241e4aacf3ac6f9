/** Addresses of the pages; what a page shows stands in its address, so that it can be reloaded and sent to somebody. */

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  useMatches,
} from '@tanstack/react-router'
import { baseAddress } from '../api/address'
import { executionSearch } from './executionSearch'
import { listSearch } from './listSearch'
import { NotFoundPage } from './NotFoundPage'
import { BrokenPage } from './PageProblem'
import { Shell } from './Shell'
import { parseSearch, stringifySearch, wordOf } from './searchText'

const root = createRootRoute({ component: Root, notFoundComponent: () => <NotFoundPage /> })
const parent = () => root

const routes = root.addChildren([
  createRoute({
    getParentRoute: parent,
    path: '/',
    component: lazyRouteComponent(() => import('./WorkflowsPage'), 'WorkflowsPage'),
    validateSearch: (search: Record<string, unknown>): { q?: string | undefined } => ({
      q: wordOf(search['q']),
    }),
  }),
  createRoute({
    getParentRoute: parent,
    path: '/workflows/$workflowId',
    component: lazyRouteComponent(() => import('./WorkflowPage'), 'WorkflowPage'),
    validateSearch: (search: Record<string, unknown>): { execution?: string | undefined } => ({
      execution: wordOf(search['execution']),
    }),
  }),
  createRoute({
    getParentRoute: parent,
    path: '/executions',
    component: lazyRouteComponent(() => import('./ExecutionsPage'), 'ExecutionsPage'),
    validateSearch: listSearch,
  }),
  createRoute({
    getParentRoute: parent,
    path: '/executions/$executionId',
    component: lazyRouteComponent(() => import('./ExecutionPage'), 'ExecutionPage'),
    validateSearch: executionSearch,
  }),
  createRoute({
    getParentRoute: parent,
    path: '/approvals',
    component: lazyRouteComponent(() => import('./ApprovalsPage'), 'ApprovalsPage'),
  }),
  createRoute({
    getParentRoute: parent,
    path: '/approve/$executionId/$approvalId',
    component: lazyRouteComponent(() => import('./ApprovePage'), 'ApprovePage'),
    staticData: { isBare: true },
  }),
  createRoute({
    getParentRoute: parent,
    path: '/settings',
    component: lazyRouteComponent(() => import('./SettingsPage'), 'SettingsPage'),
  }),
])

export const router = createRouter({
  routeTree: routes,
  basepath: baseAddress().pathname,
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  defaultErrorComponent: BrokenPage,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
  interface StaticDataRouteOption {
    /** Shown alone, without the shell. */
    isBare?: boolean
  }
}

function Root() {
  const isBare = useMatches({ select: matches => matches.some(match => match.staticData.isBare) })
  return isBare ? <Outlet /> : <Shell />
}
