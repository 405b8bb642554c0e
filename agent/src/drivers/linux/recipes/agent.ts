/** The agent's own next bundle. */
import type { AgentRecipe } from '@preau/contract/application.ts';
import type { SingleRecipe } from './recipe.ts';

export const agent: SingleRecipe<AgentRecipe> = {
  by: 'itself',
  install: ({ file }, _application, { beginTrial, staged }) =>
    beginTrial(file.sha256, staged.pathOf(file)),
  // Never removed: a server without an agent could not receive anything any more.
  remove: async () => null,
  detect: async ({ detect, file }, { version, want }, detection) => {
    if (detect.kind !== 'agent') return detection.byRule(detect, version);
    return want === 'present' && detection.runningAgent === file.sha256 ? version : null;
  },
};
