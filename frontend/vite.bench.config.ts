import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The production build of what `make bench-ui` measures. */
export default defineConfig({
  root: 'bench',
  base: './',
  plugins: [react()],
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 2_000 },
})
