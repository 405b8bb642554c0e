/** Moves a city from SQLite to PostgreSQL, or compares both. */
import { compareWith, moveTo } from '#src/platform/moving/move.ts';
import { type Command, refuse } from './command.ts';

const usage =
  'Usage: move --to postgres://… | move --compare postgres://… (the controller is stopped)';
/** As many differences are printed; all are counted. */
const shown = 20;

async function move(folder: string, address: string): Promise<number> {
  let table = '';
  let rows = 0;
  const tell = () => table !== '' && console.log(`${table}: ${rows} rows.`);
  const total = await moveTo(folder, address, (name, written) => {
    if (name !== table || written - rows >= 50_000) {
      tell();
      table = name;
    }
    rows = written;
  });
  tell();
  console.log(`${total} rows are in PostgreSQL. Compare them: preau move --compare ADDRESS.`);
  console.log('Then set PREAU_DATABASE_URL to this address and start the controller.');
  return 0;
}

async function compare(folder: string, address: string): Promise<number> {
  let found = 0;
  const compared = await compareWith(folder, address, ({ row, problem }) => {
    found += 1;
    if (found <= shown) console.error(`${problem}: ${row}`);
  });
  if (found > 0) return refuse(`${found} rows differ, of ${compared} compared.`, 1);
  console.log(`All ${compared} rows are the same.`);
  return 0;
}

export const moveCommand: Command = {
  args: '--to postgres://… | --compare postgres://…',
  does: 'Copies the city from SQLite into an empty PostgreSQL database, or compares both row by row.',
  run: async (config, [flag = '', address = '', ...more]) => {
    if (!/^postgres(ql)?:\/\//.test(address) || more.length > 0) return refuse(usage);
    if (config.PREAU_DATABASE_URL !== '')
      return refuse(
        'This city is on PostgreSQL already: PREAU_DATABASE_URL is set. Unset it first.',
      );
    if (flag === '--to') return move(config.PREAU_DATA, address);
    if (flag === '--compare') return compare(config.PREAU_DATA, address);
    return refuse(usage);
  },
};
