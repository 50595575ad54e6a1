// A rolling restart: every process of every app, one after the other, ended by SIGTERM and started again while requests come in. None fails, no stream is cut,
// each is charged once, and nothing is left over.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningSystem } from '@waystation/testing';
import { openAccount, type Account } from '../support/account.ts';
import { ask, say } from '../support/ask.ts';
import { balancerOf, type Balancer } from '../support/balancer.ts';
import { deadLetters } from '../support/dead-letters.ts';
import { storyOfSplit, type Random } from '../support/story.ts';
import { truth } from '../support/truth.ts';

const CALLERS = 8;
const PAUSE_MS = [50, 250] as const;
const WORDS = [20, 50] as const;
const TOKEN_DELAY_MS = 40;
/** Between two restarts, so that the one that is back has work again. */
const SETTLE_MS = 500;
const READS = ['/credits', '/keys', '/activity', '/models', '/presets'] as const;
/** What the station stands on, and the provider, which is none of ours. */
const NOT_OURS = new Set(['postgres', 'nats', 'sandbox']);

interface Ended {
  readonly label: string;
  /** The process that was being restarted when it was asked. */
  readonly during: string;
  readonly fault?: unknown;
}

interface Load {
  readonly ended: readonly Ended[];
  /** Says what is being restarted from now on. */
  during(process: string): void;
  stop(): Promise<void>;
}

const loadOf = (system: RunningSystem, account: Account, balancer: Balancer, random: Random): Load => {
  const ended: Ended[] = [];
  let phase = 'nothing';
  let going = true;
  const prompt = (label: string): string =>
    `${label} ${Array.from({ length: random.whole(...WORDS) }, () => random.whole(100, 999)).join(' ')}`;

  const streamed = async (label: string, url: string): Promise<unknown> => {
    const asked = prompt(label);
    const body = { ...say(asked), sandbox: { tokenDelayMs: TOKEN_DELAY_MS } };
    const { status, done, error, content, finishReason, broken, text } = await account.stream(label, body, { url });
    const whole = status === 200 && done && error === undefined && content === asked && finishReason === 'stop';
    return whole ? undefined : { status, done, error, broken, finishReason, text: text.slice(-300) };
  };
  const completed = async (label: string, url: string): Promise<unknown> => {
    const asked = prompt(label);
    const answer = await account.complete(label, say(asked), { url });
    const said = answer?.json?.choices?.[0]?.message?.content as string | undefined;
    return answer?.status === 200 && said === asked
      ? undefined
      : { status: answer?.status, text: answer?.text.slice(-300) };
  };
  const read = async (_label: string, url: string): Promise<unknown> => {
    const path = random.pick(READS);
    const answer = await ask(system, 'GET', `/api/v1${path}`, undefined, { key: system.managementKey, url }).catch(
      (error: unknown) => ({ status: 0, text: String(error instanceof Error ? (error.cause ?? error) : error) }),
    );
    return answer.status === 200 ? undefined : { path, status: answer.status, text: answer.text.slice(-300) };
  };

  const caller = async (who: number): Promise<void> => {
    for (let turn = who; going; turn += 1) {
      const label = `rolling-${who}-${turn}`;
      const during = phase;
      const url = balancer.next();
      const kind = [streamed, completed, read][turn % 3];
      const fault = url === undefined ? 'no ingress is ready' : await kind?.(label, url);
      ended.push({ label, during, ...(fault === undefined ? {} : { fault }) });
      await sleep(random.whole(...PAUSE_MS));
    }
  };
  const callers = Promise.all(Array.from({ length: CALLERS }, (_, who) => caller(who)));
  return {
    ended,
    during: (process) => (phase = process),
    async stop() {
      going = false;
      await callers;
    },
  };
};

export const rollingRestart = (system: () => RunningSystem): void => {
  storyOfSplit('every process is restarted in turn, and no request notices', system, async (random) => {
    const account = await openAccount(system());
    const balancer = balancerOf(system());
    const load = loadOf(system(), account, balancer, random);
    const ours = system().processes.filter((name) => !NOT_OURS.has(name));
    const before = new Map(ours.map((name) => [name, system().pid(name)]));
    for (const name of ours) {
      load.during(name);
      await system().restartService(name);
      await sleep(SETTLE_MS);
    }
    load.during('nothing');
    await load.stop();
    await balancer.close();

    expect(load.ended.filter(({ fault }) => fault !== undefined)).toEqual([]);
    expect(new Set(load.ended.map(({ during }) => during))).toEqual(new Set(['nothing', ...ours]));
    expect(ours.filter((name) => system().pid(name) === before.get(name))).toEqual([]);
    for (const name of ours) {
      const log = await system().logs(name);
      expect({ name, stopped: log.match(/"msg":"stopped"/g)?.length }).toEqual({ name, stopped: 1 });
      expect(log).not.toMatch(/"msg":"(shutdown took longer|a step of the shutdown failed)/);
    }
    const calls = Map.groupBy(await truth(system()), ({ label }) => label);
    const twice = account.told.filter(({ label }) => calls.get(label)?.length !== 1);
    expect(twice.map(({ label }) => ({ label, calls: calls.get(label) }))).toEqual([]);
    await account.audit();
    expect(await deadLetters(system())).toEqual([]);
  });
};
