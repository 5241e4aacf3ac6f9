import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `npm run dev` finds a running server. */
const server = process.env['HEADWAY_URL'] ?? 'http://127.0.0.1:8321'

export default defineConfig({
  // Relative addresses: the server puts its path prefix into <base href>.
  base: './',
  plugins: [react()],
  build: {
    outDir: '../backend/src/headway/static',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': server, '/ws': { target: server.replace(/^http/, 'ws'), ws: true } },
  },
})
