import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte()],
  publicDir: 'static',
  build: {
    outDir: 'build',
    emptyOutDir: true,
    target: 'es2022',
    assetsDir: 'immutable',
    chunkSizeWarningLimit: 900,
  },
});
