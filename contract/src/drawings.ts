/** Small pictures: twelve animals that identify a child, twelve objects for picture passwords.
 * Filled paths on a square of 100 × 100, the same on screen and on paper. Drawn for this
 * project. */

export const animals = [
  'cat',
  'dog',
  'bear',
  'rabbit',
  'fox',
  'owl',
  'frog',
  'pig',
  'chick',
  'mouse',
  'penguin',
  'fish',
] as const;
export type Animal = (typeof animals)[number];
export const objects = [
  'sun',
  'moon',
  'star',
  'house',
  'tree',
  'boat',
  'flower',
  'apple',
  'balloon',
  'car',
  'heart',
  'umbrella',
] as const;
export type Thing = (typeof objects)[number];

export interface Shape {
  readonly d: string;
  readonly fill: string;
}

/** Background colours for the animals. */
export const colours = [
  '#cfe8f3',
  '#ffe3a8',
  '#d8efce',
  '#f9d3d8',
  '#e2d8f5',
  '#ffd9bd',
  '#d2eeea',
  '#e8e4d6',
] as const;

const number = (value: number) => String(Math.round(value * 100) / 100);
const oval = (x: number, y: number, rx: number, ry: number, fill: string): Shape => ({
  d:
    `M${number(x - rx)} ${number(y)}A${number(rx)} ${number(ry)} 0 1 0 ${number(x + rx)} ` +
    `${number(y)}A${number(rx)} ${number(ry)} 0 1 0 ${number(x - rx)} ${number(y)}Z`,
  fill,
});
const disc = (x: number, y: number, r: number, fill: string): Shape => oval(x, y, r, r, fill);
const path = (d: string, fill: string): Shape => ({ d, fill });
const both = (make: (side: 1 | -1) => Shape): Shape[] => [make(-1), make(1)];

const ink = '#2b2f33';
const eyes = (y = 50, apart = 14, r = 4.5): Shape[] =>
  both((side) => disc(50 + side * apart, y, r, ink));
const glints = (y = 48.5, apart = 14): Shape[] =>
  both((side) => disc(50 + side * apart + 1.5, y, 1.4, '#ffffff'));
const smile = (y: number, width = 9): Shape =>
  path(`M${50 - width} ${y}Q50 ${y + 11} ${50 + width} ${y}Q50 ${y + 6} ${50 - width} ${y}Z`, ink);

const drawnAnimals: Readonly<Record<Animal, readonly Shape[]>> = {
  cat: [
    path('M20 18L44 30L22 50Z', '#8d8f96'),
    path('M80 18L56 30L78 50Z', '#8d8f96'),
    path('M25 26L36 32L26 42Z', '#f3b3bd'),
    path('M75 26L64 32L74 42Z', '#f3b3bd'),
    oval(50, 56, 33, 29, '#a3a6ad'),
    ...eyes(52),
    ...glints(50.5),
    path('M45 61L55 61L50 67Z', '#f08fa0'),
    smile(68),
    path('M16 58L34 61L34 63L16 62Z', '#5c5f66'),
    path('M84 58L66 61L66 63L84 62Z', '#5c5f66'),
  ],
  dog: [
    oval(50, 54, 30, 31, '#d9a066'),
    oval(20, 48, 10, 24, '#8a5a2b'),
    oval(80, 48, 10, 24, '#8a5a2b'),
    oval(50, 66, 17, 14, '#f3dcc0'),
    ...eyes(47),
    ...glints(45.5),
    oval(50, 60, 7, 5, ink),
    smile(67),
    path('M46 73Q50 86 54 73Z', '#ef7f8e'),
  ],
  bear: [
    ...both((side) => disc(50 + side * 27, 25, 13, '#8b5e3c')),
    ...both((side) => disc(50 + side * 27, 25, 6.5, '#d7aa80')),
    oval(50, 56, 34, 31, '#8b5e3c'),
    oval(50, 67, 16, 13, '#d7aa80'),
    ...eyes(49),
    ...glints(47.5),
    oval(50, 62, 6.5, 4.5, ink),
    smile(69, 7),
  ],
  rabbit: [
    oval(36, 25, 8.5, 22, '#e9e4df'),
    oval(64, 25, 8.5, 22, '#e9e4df'),
    oval(36, 26, 4, 15, '#f4b6c2'),
    oval(64, 26, 4, 15, '#f4b6c2'),
    oval(50, 62, 29, 27, '#f5f1ed'),
    ...eyes(57, 12),
    ...glints(55.5, 12),
    ...both((side) => disc(50 + side * 20, 68, 4.5, '#f9ccd4')),
    oval(50, 66, 4, 3, '#ef8fa0'),
    smile(70, 7),
    path('M47 75L53 75L53 82L47 82Z', '#ffffff'),
  ],
  fox: [
    path('M16 16L46 32L24 52Z', '#d9622b'),
    path('M84 16L54 32L76 52Z', '#d9622b'),
    path('M14 46Q50 20 86 46Q76 76 50 88Q24 76 14 46Z', '#e8793a'),
    path('M14 46Q36 52 50 88Q24 76 14 46Z', '#fff4e6'),
    path('M86 46Q64 52 50 88Q76 76 86 46Z', '#fff4e6'),
    ...eyes(52, 15),
    ...glints(50.5, 15),
    oval(50, 84, 6, 5, ink),
  ],
  owl: [
    path('M22 20L42 30L24 42Z', '#6d4c8f'),
    path('M78 20L58 30L76 42Z', '#6d4c8f'),
    oval(50, 56, 32, 34, '#8264a8'),
    oval(50, 70, 19, 18, '#d9cbea'),
    ...both((side) => disc(50 + side * 14, 45, 13, '#ffffff')),
    ...both((side) => disc(50 + side * 13, 46, 6, ink)),
    ...both((side) => disc(50 + side * 13 + 2, 44, 1.8, '#ffffff')),
    path('M45 54L55 54L50 64Z', '#f2a33a'),
  ],
  frog: [
    ...both((side) => disc(50 + side * 19, 29, 13, '#5aa84f')),
    oval(50, 58, 36, 27, '#6cbf5f'),
    ...both((side) => disc(50 + side * 19, 28, 8, '#ffffff')),
    ...both((side) => disc(50 + side * 19, 29, 4.5, ink)),
    path('M24 60Q50 84 76 60Q50 76 24 60Z', '#2f6b2a'),
    ...both((side) => disc(50 + side * 26, 56, 4, '#f3a4a4')),
  ],
  pig: [
    path('M22 22L42 28L26 46Z', '#e58aa0'),
    path('M78 22L58 28L74 46Z', '#e58aa0'),
    oval(50, 56, 34, 31, '#f6b5c4'),
    oval(50, 62, 14, 10.5, '#ee90a8'),
    ...both((side) => oval(50 + side * 5, 62, 2.4, 4, '#a8475f')),
    ...eyes(46),
    ...glints(44.5),
    smile(75, 8),
  ],
  chick: [
    path('M44 18Q50 2 54 18Q62 8 58 22L44 22Z', '#f2a900'),
    oval(50, 56, 33, 33, '#ffd84d'),
    path('M18 56Q6 66 22 76Z', '#f7c21f'),
    path('M82 56Q94 66 78 76Z', '#f7c21f'),
    ...eyes(48, 13),
    ...glints(46.5, 13),
    path('M40 57L60 57L50 68Z', '#f0792b'),
    ...both((side) => disc(50 + side * 21, 59, 4.5, '#ffb37a')),
  ],
  mouse: [
    ...both((side) => disc(50 + side * 27, 30, 18, '#9aa3ad')),
    ...both((side) => disc(50 + side * 27, 30, 11, '#f2b8c6')),
    oval(50, 60, 27, 26, '#b4bcc5'),
    ...eyes(56, 10),
    ...glints(54.5, 10),
    disc(50, 70, 5, '#ef8fa0'),
    smile(75, 6),
    path('M20 66L40 68L40 70L20 70Z', '#6f7781'),
    path('M80 66L60 68L60 70L80 70Z', '#6f7781'),
  ],
  penguin: [
    oval(50, 54, 32, 38, '#2f3b4a'),
    path('M18 50Q4 66 20 78Z', '#2f3b4a'),
    path('M82 50Q96 66 80 78Z', '#2f3b4a'),
    oval(40, 46, 13, 15, '#ffffff'),
    oval(60, 46, 13, 15, '#ffffff'),
    oval(50, 68, 21, 22, '#ffffff'),
    ...eyes(45, 9),
    ...glints(43.5, 9),
    path('M42 54L58 54L50 64Z', '#f2a33a'),
    ...both((side) => oval(50 + side * 12, 92, 9, 4, '#f2a33a')),
  ],
  fish: [
    path('M68 50L94 28Q88 50 94 72Z', '#e2683c'),
    path('M34 28Q48 8 60 30Z', '#e2683c'),
    path('M38 72Q48 88 58 70Z', '#e2683c'),
    oval(44, 50, 34, 24, '#f58d4e'),
    path('M34 29Q44 50 34 71Q28 66 26 66Q36 50 26 34Q30 30 34 29Z', '#ffd0a6'),
    path('M56 30Q66 50 56 70Q50 72 48 73Q58 50 48 27Q52 28 56 30Z', '#ffd0a6'),
    disc(22, 46, 5.5, '#ffffff'),
    disc(21, 46, 3.2, ink),
    path('M11 54Q17 60 22 56Q17 57 11 54Z', ink),
  ],
};

const star = Array.from({ length: 10 }, (_, at) => {
  const [r, angle] = [at % 2 === 0 ? 42 : 18, (Math.PI * at) / 5 - Math.PI / 2];
  return `${number(50 + r * Math.cos(angle))} ${number(52 + r * Math.sin(angle))}`;
}).join('L');
const round = (count: number, make: (angle: number) => Shape): Shape[] =>
  Array.from({ length: count }, (_, at) => make((2 * Math.PI * at) / count));
const ray = (angle: number): Shape => {
  const at = (r: number, turn: number) =>
    `${number(50 + r * Math.cos(angle + turn))} ${number(50 + r * Math.sin(angle + turn))}`;
  return path(`M${at(29, -0.2)}L${at(46, 0)}L${at(29, 0.2)}Z`, '#f2a33a');
};

const drawnObjects: Readonly<Record<Thing, readonly Shape[]>> = {
  sun: [
    ...round(10, ray),
    disc(50, 50, 24, '#ffcf3f'),
    ...both((side) => disc(50 + side * 8, 46, 3, ink)),
    smile(54, 8),
  ],
  moon: [
    path('M62 10A42 42 0 1 0 90 66A34 34 0 0 1 62 10Z', '#f4d35e'),
    disc(38, 58, 4, '#e0b93a'),
    disc(54, 74, 5, '#e0b93a'),
    disc(32, 40, 3, '#e0b93a'),
  ],
  star: [path(`M${star}Z`, '#f5b82e')],
  house: [
    path('M66 16L76 16L76 38L66 30Z', '#8a5a44'),
    path('M50 12L92 48L8 48Z', '#c8452f'),
    path('M18 48L82 48L82 90L18 90Z', '#f6e1b8'),
    path('M42 62L58 62L58 90L42 90Z', '#7a4b2a'),
    path('M24 56L37 56L37 69L24 69Z', '#7ec4e2'),
    path('M63 56L76 56L76 69L63 69Z', '#7ec4e2'),
  ],
  tree: [
    path('M44 60L56 60L59 94L41 94Z', '#7a4b2a'),
    disc(50, 34, 25, '#3f9142'),
    disc(29, 50, 17, '#4fa653'),
    disc(71, 50, 17, '#4fa653'),
    disc(50, 54, 18, '#46994a'),
    disc(40, 34, 4, '#d8392b'),
    disc(62, 44, 4, '#d8392b'),
    disc(36, 56, 4, '#d8392b'),
  ],
  boat: [
    path('M47 8L51 8L51 66L47 66Z', '#6b4a2f'),
    path('M54 12Q90 36 84 60L54 60Z', '#e8503a'),
    path('M44 20Q20 40 18 60L44 60Z', '#f7d154'),
    path('M8 66L92 66Q84 86 70 86L30 86Q16 86 8 66Z', '#2f6fa8'),
    path('M4 90Q14 84 24 90Q36 96 48 90Q60 84 72 90Q84 96 96 90L96 96L4 96Z', '#7ec4e2'),
  ],
  flower: [
    path('M47 56L53 56L53 96L47 96Z', '#3f9142'),
    path('M53 82Q72 62 82 76Q70 90 53 86Z', '#4fa653'),
    ...round(6, (angle) =>
      disc(50 + 20 * Math.cos(angle), 38 + 20 * Math.sin(angle), 13, '#e0559b'),
    ),
    disc(50, 38, 12, '#ffd84d'),
  ],
  apple: [
    path('M48 10L54 10L52 32L48 32Z', '#6b4a2f'),
    path('M53 20Q66 4 80 14Q70 30 53 24Z', '#4fa653'),
    path(
      'M50 32Q72 18 86 40Q92 66 68 90Q58 96 50 90Q42 96 32 90Q8 66 14 40Q28 18 50 32Z',
      '#d8392b',
    ),
    oval(31, 50, 5, 10, '#ef7a6d'),
  ],
  balloon: [
    path('M49 68L51 68L53 97L48 97Z', '#6f7781'),
    oval(50, 38, 28, 32, '#8a5cc2'),
    path('M44 70L56 70L50 62Z', '#6b43a3'),
    oval(40, 28, 6, 10, '#c3a6e6'),
  ],
  car: [
    path('M24 46L36 26L66 26L80 46Z', '#2f7d8c'),
    path('M40 30L50 30L50 44L32 44Z', '#cdeaf5'),
    path('M54 30L64 30L73 44L54 44Z', '#cdeaf5'),
    path('M8 46L88 46Q96 48 94 70L6 70Q4 50 8 46Z', '#379aad'),
    ...both((side) => disc(50 + side * 24, 70, 12, ink)),
    ...both((side) => disc(50 + side * 24, 70, 5, '#d5dedd')),
    disc(90, 55, 3.5, '#ffd84d'),
  ],
  heart: [
    path(
      'M50 90Q4 56 12 32Q20 10 40 18Q48 22 50 32Q52 22 60 18Q80 10 88 32Q96 56 50 90Z',
      '#d62f55',
    ),
    oval(29, 36, 5, 8, '#ee7f97'),
  ],
  umbrella: [
    path(
      'M48 44L52 44L52 82Q52 92 62 92Q70 92 70 84L66 84Q66 88 62 88Q56 88 56 82L48 82Z',
      '#6b4a2f',
    ),
    path(
      'M6 52Q10 12 50 10Q90 12 94 52Q83 42 72 52Q61 42 50 52Q39 42 28 52Q17 42 6 52Z',
      '#2f7f4f',
    ),
    path('M28 52Q30 18 50 10Q70 18 72 52Q61 42 50 52Q39 42 28 52Z', '#ffd166'),
  ],
};

export const drawings: Readonly<Record<Animal | Thing, readonly Shape[]>> = {
  ...drawnAnimals,
  ...drawnObjects,
};
