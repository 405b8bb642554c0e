import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin, parseAst } from 'vite';
import { runbookPages } from './runbooks.ts';

/** The contract's files say a schema beside a word or two that pages need. To make a schema has no
 * other effect, which a bundler cannot know: told so, it leaves out of a page the schemas that
 * nobody there reads, and the library behind them. */
const onlyReadSchemas: Plugin = {
  name: 'only-read-schemas',
  transform(code, id) {
    if (/\/node_modules\/(typebox|temporal-polyfill|ipaddr\.js)\//.test(id))
      return { code, map: null, moduleSideEffects: false };
    if (!/\/contract\/src\/[^?]*\.ts$/.test(id)) return null;
    let marked = code;
    for (const statement of parseAst(code).body.toReversed()) {
      const declared =
        statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
      if (declared?.type !== 'VariableDeclaration') continue;
      for (const { init } of declared.declarations.toReversed()) {
        if (init == null || /^(Arrow)?FunctionExpression$/.test(init.type)) continue;
        const value = code.slice(init.start, init.end);
        if (!value.includes('(')) continue;
        marked = `${marked.slice(0, init.start)}/* @__PURE__ */ (() => (${value}))()${marked.slice(init.end)}`;
      }
    }
    return { code: marked, map: null, moduleSideEffects: false };
  },
};

const runbooks: Plugin = {
  name: 'runbooks',
  generateBundle() {
    const folder = fileURLToPath(new URL('../docs/runbooks', import.meta.url));
    for (const [name, source] of runbookPages(folder))
      this.emitFile({ type: 'asset', fileName: `runbooks/${name}`, source });
  },
};

export default defineConfig({
  plugins: [svelte(), onlyReadSchemas, runbooks],
  publicDir: 'static',
  build: {
    outDir: 'build',
    emptyOutDir: true,
    target: 'es2022',
    assetsDir: 'immutable',
    chunkSizeWarningLimit: 900,
  },
});
