/** The doors of schools: where and when badges and picture passwords work. */
import { type Door, type DoorState, doorAt } from '@preau/contract/badge.ts';
import { AppError } from '@preau/contract/errors.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import type { SiteSettings } from '@preau/contract/site.ts';
import type { Rows } from '#src/platform/database.ts';
import { selectPolicySites } from '#src/sites/store.ts';
import { selectSiteNames } from './store.ts';

export interface SchoolDoor extends Door {
  siteId: string;
  name: string;
}

export async function selectDoors(rows: Rows): Promise<Map<string, SchoolDoor>> {
  const [places, names] = [await selectPolicySites(rows), await selectSiteNames(rows)];
  return new Map(
    names.flatMap(({ id, name, settings }): [string, SchoolDoor][] => {
      const place = places.get(id);
      const { badgeHours } = JSON.parse(settings) as Partial<SiteSettings>;
      return place === undefined
        ? []
        : [
            [
              id,
              {
                siteId: id,
                name,
                timeZone: place.timeZone,
                holidayZone: place.holidayZone,
                closures: place.closures,
                networks: place.networks,
                badgeHours: badgeHours ?? [],
              },
            ],
          ];
    }),
  );
}

export const stateOfDoor = (door: SchoolDoor, address: string, now: number): DoorState =>
  doorAt(frenchCalendar, door, address, now);

/** Refuses with BADGE_NO_NETWORK, BADGE_ELSEWHERE or BADGE_OUT_OF_HOURS. Returns when the door
 * closes, epoch ms; null when it does not. */
export function mustBeOpen(state: DoorState): number | null {
  if (state.open) return state.until;
  if (state.why === 'out_of_hours')
    throw new AppError(
      'BADGE_OUT_OF_HOURS',
      state.opensAt === null ? {} : { opensAt: state.opensAt },
    );
  throw new AppError(state.why === 'no_network' ? 'BADGE_NO_NETWORK' : 'BADGE_ELSEWHERE');
}
