// The week as one SVG: what went wrong where, and below it, by hour, how those did who had to live with it. Without a library: it is a handful of lines.
import type { Incident, IncidentKind } from './incidents.ts';

export interface Line {
  readonly name: string;
  readonly colour: string;
  readonly dashed?: boolean;
  /** By hour; NaN where there is nothing to say. */
  readonly values: readonly number[];
}

export interface Panel {
  readonly title: string;
  readonly scale: 'linear' | 'log';
  readonly least: number;
  readonly most: number;
  /** Lines across, with their words. */
  readonly ticks: readonly (readonly [value: number, text: string])[];
  readonly lines: readonly Line[];
}

const WIDTH = 1_120;
const LEFT = 84;
const RIGHT = 16;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const ROW = 16;
const PANEL_HEIGHT = 120;
const GAP = 44;
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

const COLOURS: Readonly<Record<IncidentKind, string>> = {
  outage: '#b42318',
  limit: '#b7791f',
  slow: '#6b7280',
  broken: '#7e3794',
};
const WORDS: Readonly<Record<IncidentKind, string>> = {
  outage: 'fails',
  limit: '429',
  slow: 'slow',
  broken: 'breaks streams',
};

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x: number, y: number, words: string, more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escape(words)}</text>`;
const across = (y: number): string =>
  `<line x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="#e5e7eb"/>`;

export interface Week {
  readonly beginsMs: number;
  readonly endsMs: number;
  readonly slugs: readonly string[];
  readonly incidents: readonly Incident[];
  readonly panels: readonly Panel[];
}

export const plotWeek = ({ beginsMs, endsMs, slugs, incidents, panels }: Week): string => {
  const xOf = (ms: number): number => LEFT + (PLOT_WIDTH * (ms - beginsMs)) / (endsMs - beginsMs);
  const parts: string[] = [];
  let top = 40;

  parts.push(text(LEFT, top - 14, 'What goes wrong', 'class="title"'));
  Object.entries(WORDS).forEach(([kind, words], place) => {
    const x = LEFT + 160 + place * 120;
    parts.push(`<rect x="${x}" y="${top - 24}" width="10" height="10" fill="${COLOURS[kind as IncidentKind]}"/>`);
    parts.push(text(x + 15, top - 15, words));
  });
  slugs.forEach((slug, row) => {
    const y = top + row * ROW;
    parts.push(text(LEFT - 8, y + 12, slug, 'text-anchor="end"'));
    parts.push(across(y + ROW));
    for (const { kind, fromMs, toMs, slugs: met, share } of incidents) {
      if (!met.includes(slug)) continue;
      const width = Math.max(2, xOf(toMs) - xOf(fromMs));
      parts.push(
        `<rect x="${xOf(fromMs).toFixed(1)}" y="${y + 2}" width="${width.toFixed(1)}" height="${ROW - 4}" fill="${COLOURS[kind]}" fill-opacity="${(0.35 + 0.65 * share).toFixed(2)}"/>`,
      );
    }
  });
  top += slugs.length * ROW + GAP;

  for (const { title, scale, least, most, ticks, lines } of panels) {
    const place = (value: number): number =>
      scale === 'linear'
        ? (value - least) / (most - least)
        : Math.log(Math.max(value, least) / least) / Math.log(most / least);
    const yOf = (value: number): number => top + PANEL_HEIGHT * (1 - Math.min(1, Math.max(0, place(value))));
    parts.push(text(LEFT, top - 10, title, 'class="title"'));
    let x = WIDTH - RIGHT;
    for (const { name, colour, dashed } of [...lines].reverse()) {
      x -= name.length * 6.2 + 36;
      const dash = dashed === true ? ' stroke-dasharray="4 3"' : '';
      parts.push(
        `<line x1="${x}" x2="${x + 20}" y1="${top - 14}" y2="${top - 14}" stroke="${colour}" stroke-width="2"${dash}/>`,
      );
      parts.push(text(x + 24, top - 10, name));
    }
    for (const [value, words] of ticks) {
      parts.push(across(yOf(value)));
      parts.push(text(LEFT - 8, yOf(value) + 4, words, 'text-anchor="end"'));
    }
    for (const { colour, dashed, values } of lines) {
      const points = values.flatMap((value, hour) =>
        Number.isNaN(value) ? [] : [`${xOf(beginsMs + (hour + 0.5) * 3_600_000).toFixed(1)},${yOf(value).toFixed(1)}`],
      );
      const dash = dashed === true ? ' stroke-dasharray="4 3"' : '';
      parts.push(
        `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.6" stroke-linejoin="round"${dash}/>`,
      );
    }
    top += PANEL_HEIGHT + GAP;
  }

  const bottom = top - GAP;
  DAYS.forEach((day, place) => {
    const x = LEFT + (PLOT_WIDTH * place) / DAYS.length;
    parts.push(`<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="40" y2="${bottom}" stroke="#d1d5db"/>`);
    parts.push(text(x + 4, bottom + 16, day));
  });
  const height = bottom + 28;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="A simulated week of routing">`,
    '<style>text{font:12px sans-serif;fill:#374151}.title{font-weight:bold;fill:#111827}</style>',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
};
