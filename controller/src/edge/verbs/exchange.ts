import { askForFile, readExchange } from '#src/sessions/exchange/exchange.ts';
import type { Verbs } from './verb.ts';

export const exchangeVerbs = {
  readExchange: (deps, actor, { params }, { address }) =>
    readExchange(deps, actor, params.id, address),
  askForFile: (deps, actor, { params, body }, { address }) =>
    askForFile(deps, actor, params.id, body, address),
} satisfies Partial<Verbs>;
