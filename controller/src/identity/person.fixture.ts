/** A mapping and a person for tests. */
import type { ProviderPerson } from './admission/vouch.ts';
import type { Mapping } from './settings-schema.ts';

export const mapping: Mapping = {
  id: 'ad',
  default_role: 'pupil',
  login: 'uid',
  site: { attribute: 'office', pattern: '([0-9]{7}[A-Z])' },
  class: { attribute: 'dept' },
  attributes: { level: 'lvl' },
  role: [
    { role: 'technician', group: 'CN=Tech,DC=x' },
    { role: 'teacher', attribute: 'type', value: 'ENS' },
  ],
  group: [{ group: 'cn=Chorale, dc=x' }],
};
export const described = (more: Partial<ProviderPerson> = {}): ProviderPerson => ({
  externalId: 'e1',
  values: {
    uid: ['Élodie.Noël'],
    displayname: ['Élodie Noël'],
    office: ['École 0380001A'],
    dept: ['CM2 A'],
    lvl: ['CM2'],
    mail: ['e@x.fr'],
  },
  groups: [],
  photo: null,
  barred: false,
  ...more,
});
