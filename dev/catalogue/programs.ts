/** By what one knows the window of each program of the starter catalogue: its class, and a title in
 * French, or its own name where the title holds no other word. */

export interface Program {
  /** The class half of WM_CLASS. */
  windowClass: string;
  title: RegExp;
}

export const programs: Readonly<Record<string, Program>> = {
  blinken: { windowClass: 'blinken', title: /^Blinken$/ },
  freeplane: {
    windowClass: 'org-knopflerfish-framework-BundleThread',
    title: /^Carte1\*? - Freeplane - Concepteur\s*$/,
  },
  galculator: { windowClass: 'Galculator', title: /^galculator$/ },
  gbrainy: { windowClass: 'Gbrainy', title: /^gbrainy$/ },
  gcompris: { windowClass: 'gcompris-qt', title: /^GCompris$/ },
  geogebra: { windowClass: 'geogebra-GeoGebra', title: /^GeoGebra$/ },
  gimp: { windowClass: 'Gimp', title: /^Éditeur d’image GIMP$/ },
  inkscape: { windowClass: 'Inkscape', title: /^Nouveau document 1 - Inkscape$/ },
  kalzium: { windowClass: 'kalzium', title: /^Kalzium$/ },
  kanagram: { windowClass: 'kanagram', title: /^Animaux — Kanagram$/ },
  kbruch: { windowClass: 'kbruch', title: /^KBruch$/ },
  kgeography: { windowClass: 'kgeography', title: /^KGeography$/ },
  khangman: { windowClass: 'khangman', title: /^KHangMan$/ },
  kig: { windowClass: 'kig', title: /^Kig$/ },
  klettres: { windowClass: 'klettres', title: /^KLettres$/ },
  kmplot: { windowClass: 'kmplot', title: /^KmPlot$/ },
  kolourpaint: { windowClass: 'kolourpaint', title: /^Sans titre\s+— KolourPaint$/ },
  ktouch: { windowClass: 'ktouch', title: /^Formateur en dactylographie\s*$/ },
  kturtle: { windowClass: 'kturtle', title: /^sans nom — KTurtle$/ },
  kwordquiz: { windowClass: 'kwordquiz', title: /^KWordQuiz$/ },
  'libreoffice-calc': {
    windowClass: 'libreoffice-calc',
    title: /^Sans nom 1 - LibreOffice Calc$/,
  },
  'libreoffice-impress': {
    windowClass: 'libreoffice-impress',
    title: /^Sans nom 1 - LibreOffice Impress$/,
  },
  'libreoffice-writer': {
    windowClass: 'libreoffice-writer',
    title: /^Sans nom 1 - LibreOffice Writer$/,
  },
  lybniz: { windowClass: 'Lybniz', title: /^Lybniz$/ },
  marble: { windowClass: 'Marble Virtual Globe', title: /^Atlas — Marble\s–\sGlobe virtuel$/ },
  mousepad: { windowClass: 'Mousepad', title: /^Sans titre 1 - Mousepad$/ },
  musescore3: { windowClass: 'MuseScore3', title: /^MuseScore 3: Sans titre$/ },
  parley: { windowClass: 'parley', title: /^Parley$/ },
  stellarium: { windowClass: 'stellarium', title: /^Stellarium [0-9.]+$/ },
  step: { windowClass: 'step', title: /^sanstitre\.step\s+— Step$/ },
  thonny: { windowClass: 'Thonny', title: /^Thonny {2}- / },
  tuxmath: { windowClass: 'tuxmath', title: /^Tux, of Math Command$/ },
  tuxpaint: { windowClass: 'TuxPaint.TuxPaint', title: /^Tux Paint$/ },
  tuxtype: { windowClass: 'tuxtype', title: /^Tux Typing$/ },
};
