import { prepareBase } from './base.ts';
await prepareBase((s, n) => console.error(`• ${s} … ${n.toFixed(1)} s`));
