// The books of a system that has served: the operator's commands and what a management key reads agree with each other, to the picodollar.
import { execFile } from 'node:child_process';
import path from 'node:path';
import type { RunningSystem } from '@waystation/testing';
import { parseUsd } from '@waystation/contracts';
import { ask, complete, say } from '../support/ask.ts';
import { creditsUsed } from '../support/audit.ts';
import { until } from '../support/wait.ts';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The operator's commands on the ledger. */
export const ledger = (system: RunningSystem, ...args: readonly string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--no-warnings', path.resolve('tools/ledger/main.ts'), ...args, '--data-dir', system.dataDir],
      { env: { PATH: process.env['PATH'] }, maxBuffer: 64 * 1024 * 1024 },
      (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });

const sumOf = (pattern: RegExp, text: string): bigint =>
  [...text.matchAll(pattern)].reduce((sum, match) => sum + (parseUsd(match[1] ?? '') ?? 0n), 0n);

export const books = (system: () => RunningSystem): void => {
  describe('the books', () => {
    const month = (): string => new Date().toISOString().slice(0, 7);
    const read = (path: string) => ask(system(), 'GET', path, undefined, { key: system().managementKey });

    it('verify and rebuild find nothing to complain of', async () => {
      expect(await ledger(system(), 'verify')).toMatchObject({
        code: 0,
        out: expect.stringMatching(/^The ledger holds: \d+ entries/) as unknown,
      });
      const { code, out } = await ledger(system(), 'rebuild', '--json');
      expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ differenceCount: 0, repaired: false })]);
      expect((await ledger(system(), 'replay-dead-letters', '--dry-run')).code).toBe(0);
    });

    it('disagreements says by its exit code whether any witnesses disagree', async () => {
      const { code, out, err } = await ledger(system(), 'disagreements', '--since', '2026-01-01T00:00Z', '--json');
      const { disagreements, truncated } = JSON.parse(out || `{"err": ${JSON.stringify(err)}}`) as Record<
        string,
        unknown
      >;
      expect({ code, truncated }).toEqual({
        code: Array.isArray(disagreements) && disagreements.length > 0 ? 1 : 0,
        truncated: false,
      });
      expect((await ledger(system(), 'disagreements', '--workspace', 'nobody')).out).toBe('No witnesses disagree.\n');
      expect((await ledger(system(), 'disagreements', '--since', 'monday')).code).toBe(2);
    });

    it('explain tells a generation to the picodollar', async () => {
      const { json, headers } = await complete(system(), say('Explain this.'));
      const generationId = headers.get('x-generation-id') ?? '';
      const told = await until('the generation is in the ledger', 20_000, async () => {
        const outcome = await ledger(system(), 'explain', generationId);
        return outcome.out.includes('In all') ? outcome : undefined;
      });
      const { usage } = json as { usage: { prompt_tokens: number; cost: number } };
      expect(told.out).toContain(`${usage.prompt_tokens} input × 150000 pUSD`);
      const cost = BigInt(Math.round(usage.cost * 1e12));
      expect(told.out).toMatch(new RegExp(`In all: the workspace pays [0-9.]+ USD \\(${cost} pUSD\\)`));
    });

    it('statement, export, analytics and credits tell one sum', async () => {
      const used = await until('nothing is on its way any more', 20_000, async () => {
        const before = await creditsUsed(system());
        const { text } = await read(`/api/v1/statements/${month()}?format=csv`);
        const stated = -sumOf(/^movement,(?:usage|adjustments),[^,]*,,,,(-?[0-9.]+),/gm, text);
        return stated === before && (await creditsUsed(system())) === before ? before : undefined;
      });
      expect(used).toBeGreaterThan(0n);
      const focus = (await read(`/api/v1/exports/focus/${month()}`)).text;
      expect(focus.startsWith('BilledCost,')).toBe(true);
      expect(sumOf(/^(-?[0-9.]+),waystation,/gm, focus)).toBe(used);
      expect((await ledger(system(), 'focus', 'default', month())).out).toBe(focus);
      const { text } = await ask(
        system(),
        'POST',
        '/api/v1/analytics/query',
        { metrics: ['total_usage'], dimensions: ['model'] },
        { key: system().managementKey },
      );
      expect(sumOf(/"total_usage":(-?[0-9.]+)/g, text)).toBe(used);
      expect((await ledger(system(), 'statement', 'default', month())).out).toBe(
        (await read(`/api/v1/statements/${month()}`)).text,
      );
    });

    it.each([
      [2, 'frobnicate'],
      [2, 'explain gen-1'],
      [2, 'statement default yesterday'],
      [3, 'statement default 2999-01'],
      [3, 'explain gen-1234567890-aaaaaaaaaaaaaaaaaaaa'],
    ])('exit code %i for %s', async (code, line) => {
      const outcome = await ledger(system(), ...line.split(' '));
      expect([outcome.code, outcome.out]).toEqual([code, '']);
      expect(outcome.err).toMatch(/^ledger: \S/);
    });
  });
};
