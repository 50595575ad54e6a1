// docs/compatibility.md out of its data.
import { OWN_LINES, PLANNED_BESIDES, REFERENCE_LINES, type Standing } from './compatibility.js';

const WORDS: Readonly<Record<Standing, string>> = {
  same: 'same',
  differs: 'differs',
  planned: 'planned',
  absent: 'not here',
};

const MEANINGS: Readonly<Record<Standing, string>> = {
  same: 'a client of the reference needs no change; there may be more here',
  differs: 'there, with the difference that is named',
  planned: 'not yet',
  absent: 'not for a relay that one hosts oneself; the line says why',
};

const STANDINGS: readonly Standing[] = ['same', 'differs', 'planned', 'absent'];

export const writeCompatibility = (): string => {
  const countOf = (standing: Standing): number => REFERENCE_LINES.filter((line) => line.standing === standing).length;
  return [
    '# Compatibility',
    '',
    `The ${REFERENCE_LINES.length} operations of the reference API (OpenRouter's), and where this API stands against each. Paths are below \`/api/v1\`, and below \`/v1\`.`,
    'Generated from `apps/ingress/src/openapi/compatibility.ts` by `node tools/openapi/main.ts`. Do not edit.',
    '',
    '| | operations | |',
    '|---|---|---|',
    ...STANDINGS.map((standing) => `| ${WORDS[standing]} | ${countOf(standing)} | ${MEANINGS[standing]} |`),
    '',
    '## Operations of the reference',
    '',
    '| operation | | |',
    '|---|---|---|',
    ...REFERENCE_LINES.map(({ operation, standing, note }) => `| \`${operation}\` | ${WORDS[standing]} | ${note} |`),
    '',
    '## Operations beyond it',
    '',
    '| operation | for |',
    '|---|---|',
    ...OWN_LINES.flatMap(([why, ...operations]) => operations.map((operation) => `| \`${operation}\` | ${why} |`)),
    '',
    `Planned besides: ${PLANNED_BESIDES.join('; ')}.`,
    '',
  ].join('\n');
};
