/** A recipe as a technician reads it. */
import type { Application, PackageFile } from '@preau/contract/application.ts';
import { k } from './catalogue-messages.ts';
import { bytesWords } from './rollout-words.ts';

const named = (file: PackageFile): [string, string] => [file.name, bytesWords(file.size)];

export function recipeWords({ linux, windows }: Application['recipes']): string[] {
  const words: string[] = [];
  if (linux?.kind === 'apt')
    words.push(
      k().aptRecipe(linux.packages.join(', ')) +
        (linux.source === undefined ? '' : ` ${k().fromSource(linux.source.uri)}`),
    );
  if (linux?.kind === 'deb') words.push(k().debRecipe(...named(linux.file)));
  if (linux?.kind === 'archive') words.push(k().archiveRecipe(...named(linux.file)));
  if (linux?.kind === 'script') words.push(k().scriptRecipe(linux.script));
  if (linux?.kind === 'updates') words.push(k().updatesRecipe);
  if (linux?.kind === 'agent') words.push(k().agentRecipe);
  if (windows !== undefined)
    words.push(
      `Windows : ${windows.kind === 'winget' ? k().wingetRecipe(windows.packageId) : k().debRecipe(...named(windows.file))}`,
    );
  return words;
}
