/** The demo city: 27 schools, 300 teachers, 10,000 pupils in classes. The same seed gives the same
 * city. */
import type { Role } from '@preau/contract/account.ts';
import { fold } from '@preau/contract/fold.ts';
import type { SiteDraft } from '@preau/contract/site.ts';

export interface CityPerson {
  login: string;
  displayName: string;
  role: Role;
  /** Index into `schools`; null for the city's own people. */
  school: number | null;
}

export interface CityClass {
  name: string;
  school: number;
  /** Indexes into `people`. */
  members: number[];
}

export interface City {
  schools: SiteDraft[];
  people: CityPerson[];
  classes: CityClass[];
}

/** Small, fast, good enough to draw names with (public domain "mulberry32"): never for secrets. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const schoolNames = [
  'Jean de La Fontaine',
  'Jules Verne',
  'Simone Veil',
  'Marie Curie',
  'Jacques Prévert',
  'Olympe de Gouges',
  'Victor Hugo',
  'Louise Michel',
  'Antoine de Saint-Exupéry',
  'Colette',
  'Molière',
  'Rosa Bonheur',
  'Jean Moulin',
  'Sophie Germain',
  'Émile Zola',
  'Lucie Aubrac',
  'Paul Éluard',
  'Germaine Tillion',
  'Charles Perrault',
  'Joséphine Baker',
  'Robert Desnos',
  'Françoise Dolto',
  'Pierre Brossolette',
  'George Sand',
  'Jean Jaurès',
  'Camille Claudel',
  'Le Petit Prince',
];
const firstNames = [
  'Adam',
  'Alice',
  'Ambre',
  'Anaïs',
  'Antoine',
  'Aya',
  'Basile',
  'Camille',
  'Chloé',
  'Clément',
  'Diane',
  'Élise',
  'Emma',
  'Enzo',
  'Eva',
  'Félix',
  'Gabriel',
  'Hugo',
  'Inès',
  'Iris',
  'Jade',
  'Jules',
  'Juliette',
  'Léa',
  'Léo',
  'Lina',
  'Louis',
  'Louise',
  'Lucas',
  'Maël',
  'Manon',
  'Marius',
  'Mia',
  'Mohamed',
  'Nathan',
  'Nina',
  'Noé',
  'Nour',
  'Paul',
  'Raphaël',
  'Romy',
  'Rose',
  'Sacha',
  'Salomé',
  'Sarah',
  'Simon',
  'Sofia',
  'Théo',
  'Victor',
  'Yasmine',
  'Zoé',
];
const lastNames = [
  'André',
  'Aubert',
  'Barbier',
  'Benali',
  'Bernard',
  'Blanc',
  'Bonnet',
  'Boyer',
  'Brun',
  'Caron',
  'Chevalier',
  'Colin',
  'Da Silva',
  'David',
  'Diallo',
  'Dubois',
  'Dumont',
  'Durand',
  'Fabre',
  'Faure',
  'Fournier',
  'Garnier',
  'Gauthier',
  'Girard',
  'Guérin',
  'Haddad',
  'Henry',
  'Lambert',
  'Laurent',
  'Lefèvre',
  'Legrand',
  'Lemaire',
  'Leroy',
  'Lopez',
  'Marchand',
  'Martin',
  'Mercier',
  'Moreau',
  'Morel',
  'Nguyen',
  'Noël',
  'Perrin',
  'Petit',
  'Picard',
  'Renaud',
  'Richard',
  'Rivière',
  'Robert',
  'Rousseau',
  'Roux',
  'Simon',
  'Thomas',
  'Traoré',
  'Vasseur',
  'Vidal',
];
const levels = ['PS', 'MS', 'GS', 'CP', 'CE1', 'CE2', 'CM1', 'CM2'];

/** A UAI code's last letter is its number modulo 23 in an alphabet without I, O and Q. */
const uaiOf = (number: number) =>
  `${String(number).padStart(7, '0')}${'ABCDEFGHJKLMNPRSTUVWXYZ'[number % 23]}`;

const plain = (text: string) => fold(text).replace(/[^a-z0-9]+/g, '');

export const demoLogins = {
  administrator: 'admin',
  technician: 'tech',
  teacher: 'camille.durand',
  pupil: 'leo.petit',
} as const;

export function buildCity(seed = 2026, size = { teachers: 300, pupils: 10_000 }): City {
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const schools = schoolNames.map(
    (name, index): SiteDraft => ({
      uai: uaiOf(610_100 + index * 7),
      name: `École ${name}`,
      city: 'Valmont-sur-Orne',
      timeZone: 'Europe/Paris',
      holidayZone: 'B',
    }),
  );
  const people: CityPerson[] = [];
  const logins = new Set<string>();
  const add = (first: string, last: string, role: Role, school: number | null): number => {
    const base = `${plain(first)}.${plain(last)}`;
    let login = base;
    for (let number = 2; logins.has(login); number += 1) login = `${base}${number}`;
    logins.add(login);
    return people.push({ login, displayName: `${first} ${last}`, role, school }) - 1;
  };
  for (const login of [demoLogins.technician, demoLogins.administrator]) logins.add(login);
  people.push({
    login: demoLogins.technician,
    displayName: 'Dominique Lefort',
    role: 'technician',
    school: null,
  });
  people.push({
    login: demoLogins.administrator,
    displayName: 'Claude Rivoire',
    role: 'administrator',
    school: null,
  });
  add('Camille', 'Durand', 'teacher', 0);
  const firstPupil = add('Léo', 'Petit', 'pupil', 0);
  for (let count = 1; count < size.teachers; count += 1)
    add(pick(firstNames), pick(lastNames), 'teacher', count % schools.length);
  const classes: CityClass[] = [];
  const perSchool = schools.map(() => [] as number[]);
  perSchool[0]?.push(firstPupil);
  for (let count = 1; count < size.pupils; count += 1) {
    const school = count % schools.length;
    perSchool[school]?.push(add(pick(firstNames), pick(lastNames), 'pupil', school));
  }
  perSchool.forEach((members, school) => {
    const count = Math.ceil(members.length / 25);
    for (let index = 0; index < count; index += 1) {
      const level = levels[Math.floor((index * levels.length) / count)] ?? 'CP';
      const letter = String.fromCharCode(
        65 + (index % Math.max(Math.ceil(count / levels.length), 1)),
      );
      classes.push({
        name: `${level} ${letter}`,
        school,
        members: members.slice(index * 25, index * 25 + 25),
      });
    }
  });
  return { schools, people, classes };
}
