// The text of PDFs, read aside as it is for clients: what comes out, and that a hostile file is refused for what it is instead of taking time or memory.
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { makePdf } from '@waystation/testing';
import { createAside, moduleBeside, type AsideEnd } from '../aside/run-aside.js';
import { readPdf, type PdfLimits } from './read-pdf.js';

const LIMITS: PdfLimits = { pagesMax: 50, charactersMax: 4_000 };
const MIB = 1024 * 1024;
const aside = createAside();
const read = (bytes: Buffer, { timeoutMs = 25_000, bytesMax = 400 * MIB } = {}): Promise<AsideEnd> =>
  aside.run({
    module: moduleBeside(import.meta.url, 'read-pdf'),
    data: { bytes, limits: LIMITS },
    timeoutMs,
    bytesMax,
  });

const TEXT = 'The quick (brown) fox \\ jumps';

it('reads each page', async () => {
  expect(await read(makePdf([{ text: TEXT }, { text: 'Page two' }]))).toEqual({
    result: { pages: [TEXT, 'Page two'] },
  });
});

const latin = (pdf: Buffer, from: string, to: string): Buffer =>
  Buffer.from(pdf.toString('latin1').replace(from, to), 'latin1');
const one = makePdf([{ text: 'one' }]);
const standard = `/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${'41'.repeat(32)}> /U <${'42'.repeat(32)}> >> /ID [<00> <00>] `;

it.each<[string, Buffer, string]>([
  ['nothing', Buffer.alloc(0), 'broken'],
  ['words', Buffer.from('I am a PDF, honestly.'), 'broken'],
  ['a beginning and no more', Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(100_000, 0x41)]), 'broken'],
  ['a tree of pages that bites its tail', latin(one, '/Kids [4 0 R]', '/Kids [2 0 R]'), 'broken'],
  ['a file with a password', makePdf([{ text: 'secret' }], standard), 'encrypted'],
  ['too many pages', makePdf(Array.from({ length: 51 }, () => ({ text: 'x' }))), 'pages'],
  ['too many characters', makePdf(Array.from({ length: 50 }, () => ({ text: 'x'.repeat(85) }))), 'characters'],
  ['a page without text', makePdf([{}]), 'empty'],
])('%s: refused', async (_, bytes, problem) => {
  expect(await read(bytes)).toEqual({ result: { problem } });
});

it('a bomb of 600 MB is ended by its memory', async () => {
  const bomb = makePdf([{ deflated: deflateSync(Buffer.alloc(600 * MIB, 0x20), { level: 1 }) }]);
  expect(bomb.length).toBeLessThan(4 * MIB);
  expect(await read(bomb)).toEqual({ failure: 'memory' });
}, 60_000);

it('a page that is drawn for ever is ended by its time', async () => {
  const drawing = `BT /F1 12 Tf ${'() Tj '.repeat(5_000_000)}ET`;
  const slow = makePdf([{ deflated: deflateSync(Buffer.from(drawing), { level: 1 }) }]);
  expect(await read(slow, { timeoutMs: 1_000, bytesMax: 4_096 * MIB })).toEqual({ failure: 'time' });
}, 60_000);

it('a file with bytes turned at random is read or refused, and never throws', async () => {
  const pdf = makePdf([{ text: TEXT }, { text: 'Page two' }]);
  const turn = fc.tuple(fc.nat(pdf.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 12 }), async (turns) => {
      const turned = new Uint8Array(pdf);
      for (const [at, byte] of turns) turned[at] = byte;
      const reading = await readPdf(turned, LIMITS);
      expect('pages' in reading || 'problem' in reading).toBe(true);
    }),
    { numRuns: 60 },
  );
}, 60_000);
