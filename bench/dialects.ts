// `npm run bench:dialects`: what a translated stream of 1,000 chunks costs beside one that passes through: in one process, through the product's own code, and through the whole
// system with the sandbox as the provider. With `--before <folder>`, a built checkout of an older commit, also how much throughput passing through has kept since.
// Figures are medians over interleaved rounds of one run, ratios those of the rounds' own ratios. It judges nothing but the books. Written to bench/DIALECTS.md when run whole.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../tools/start/build.ts';
import { compareBefore } from './before.ts';
import { CHUNKS } from './dialect-pairs.ts';
import { measureInProcess } from './dialects-in-process.ts';
import { measureInSystem } from './dialects-in-system.ts';

const { values: options } = parseArgs({
  options: {
    /** In one process, and of the whole system. */
    rounds: { type: 'string', default: '15' },
    'system-rounds': { type: 'string', default: '3' },
    /** A checkout of an older commit, installed and built. */
    before: { type: 'string' },
    'before-rounds': { type: 'string', default: '40' },
    /** Some of `process`, `system`, `before`. */
    only: { type: 'string' },
    shapes: { type: 'string', default: 'fused,split' },
  },
});
const wanted = (part: string): boolean => options.only === undefined || options.only.split(',').includes(part);
const shapes = options.shapes.split(',').filter((shape) => shape === 'fused' || shape === 'split');

const lines: string[] = [];
const say = (line = ''): void => {
  console.log(line);
  lines.push(line);
};

await build();
say('# Dialects: benchmark results');
say();
say(
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}, load ${loadavg()[0]?.toFixed(1) ?? '?'} at the start. A stream has ${CHUNKS} chunks of content; CPU is user and system time, in medians of interleaved rounds of one run; × is to what passes through, in the median of each round's ratio.`,
);
say('See [README.md](README.md) for how it is measured.');
if (wanted('process')) await measureInProcess(Number(options.rounds), say);
if (wanted('system')) for (const shape of shapes) await measureInSystem(shape, Number(options['system-rounds']), say);
if (wanted('before') && options.before !== undefined)
  for (const shape of shapes)
    await compareBefore(shape, path.resolve(options.before), Number(options['before-rounds']), say);
if (options.only === undefined && options.before !== undefined)
  writeFileSync(path.join(import.meta.dirname, 'DIALECTS.md'), `${lines.join('\n')}\n`);
