// The providers: the sandbox's own scripts, replies and prompt caches, on virtual time. What a call meets depends on the call, the endpoint and the moment alone.
import { WaystationError } from '@waystation/contracts';
import type { Usage } from '@waystation/generation';
import { findProviderDialect } from '@waystation/providers';
import type { Script, ScriptOverrides } from '../../apps/sandbox/src/script/script.js';
import type { RelayResult } from '../../apps/worker/src/attempt/relay.js';
import type { Ask } from './asks.ts';
import { draw, drawFactor } from './draws.ts';
import { cutAt, isOn, REFUSED_KEY, USUAL, type Incident } from './incidents.ts';
import { FIRST_BYTE_TIMEOUT_MS, OFFERS } from './market.ts';
import type { Parts } from './parts.ts';

/** How one call goes, as the worker that made it sees it. */
export interface Played {
  /** Undefined: the client had nothing of it. */
  readonly firstTokenMs: number | undefined;
  readonly result: RelayResult;
  /** What the provider bills. */
  readonly billed: Usage;
}

export interface Provider {
  play(ask: Ask, slug: string, atMs: number, withOwnKey: boolean): Played;
  /** Whether it would be served there. Asks nobody. */
  wouldServe(ask: Ask, slug: string, atMs: number): boolean;
}

const WHAT = { failing: 20, breaking: 21, firstToken: 22, pace: 24, incident: 30 } as const;
const FIRST_TOKEN_SPREAD = 0.45;
const PACE_SPREAD = 0.2;
/** An error comes back quicker than an answer. */
const ERROR_MS = 90;

const DIALECT = 'openai-chat';

export const createProvider = (
  parts: Parts,
  seed: number,
  incidents: readonly Incident[],
  nowMs: () => number,
): Provider => {
  const cache = parts.createPromptCache(nowMs);
  const dialect = findProviderDialect(DIALECT);
  if (dialect === undefined) throw new Error(`there is no dialect ${DIALECT}`);
  const offers = OFFERS.map((offer, place) => ({
    ...offer,
    place,
    met: incidents.filter(({ slugs }) => slugs.includes(offer.slug)),
  }));
  const bySlug = new Map(offers.map((offer) => [offer.slug, offer]));

  const scriptFor = (ask: Ask, slug: string, atMs: number, withOwnKey: boolean): Script => {
    const offer = bySlug.get(slug);
    if (offer === undefined) throw new Error(`there is no endpoint ${slug}`);
    const luck = (what: number): number => draw(seed, what, ask.number, offer.place);
    const scripts: ScriptOverrides[] = [];
    let [first, between] = [1, 1];
    if (luck(WHAT.failing) < USUAL.failing) scripts.push({ fail: 500 });
    else if (luck(WHAT.breaking) < USUAL.breaking)
      scripts.push({ fail: 'die', afterTokens: Math.ceil(ask.outputTokens / 2) });
    offer.met.forEach((incident, place) => {
      if (!isOn(incident, atMs) || luck(WHAT.incident + place) >= incident.share) return;
      scripts.push(incident.script);
      first *= incident.slower?.first ?? 1;
      between *= incident.slower?.between ?? 1;
    });
    if (withOwnKey && isOn(REFUSED_KEY, atMs)) scripts.push(REFUSED_KEY.script);
    const whole = {
      outputTokens: ask.outputTokens,
      cache: true,
      delayMs: Math.round(
        offer.firstTokenMs * first * drawFactor(seed, WHAT.firstToken, ask.number, offer.place, FIRST_TOKEN_SPREAD),
      ),
      tokenDelayMs:
        (1_000 / offer.tokensPerSecond) * between * drawFactor(seed, WHAT.pace, ask.number, offer.place, PACE_SPREAD),
    };
    const script = parts.scriptOf(whole, ...scripts);
    if (script.fail !== undefined) return script;
    // An outage that begins meanwhile breaks what is under way.
    const cut = cutAt(offer.met, slug, atMs, atMs + script.delayMs + script.tokenDelayMs * ask.outputTokens);
    if (cut === undefined) return script;
    const afterTokens = Math.floor((cut - atMs - script.delayMs) / script.tokenDelayMs);
    return afterTokens < 1
      ? parts.scriptOf(script, { fail: 'reset', delayMs: Math.round(cut - atMs) })
      : parts.scriptOf(script, { fail: 'die', afterTokens });
  };

  const failed = (error: WaystationError, durationMs: number): Played => ({
    firstTokenMs: undefined,
    result: {
      ...{ outcome: 'failed-before-output', error, report: { usage: {}, usageSource: 'provider' } },
      ...{ durationMs, totalBytes: 0 },
    },
    billed: {},
  });

  /** As it reads on the wire, by the reader that the worker has for it. */
  const refused = (script: Script, status: number, providerName: string): WaystationError => {
    const body = parts.sandboxDialect.error(status, 'The sandbox was told to fail.', undefined, script.retryAfterS);
    const header = (name: string): string | undefined =>
      name === 'retry-after' && script.retryAfterS !== undefined ? String(script.retryAfterS) : undefined;
    return dialect.parseError({ status, header, body: Buffer.from(body), providerName, nowMs: nowMs() });
  };

  return {
    play(ask, slug, atMs, withOwnKey) {
      const script = scriptFor(ask, slug, atMs, withOwnKey);
      const { fail, afterTokens, delayMs, tokenDelayMs } = script;
      if (typeof fail === 'number' && afterTokens === undefined) return failed(refused(script, fail, slug), ERROR_MS);
      if (fail === 'hang')
        return failed(
          new WaystationError('provider_timeout', `${slug} did not begin to answer in time.`),
          FIRST_BYTE_TIMEOUT_MS,
        );
      if (fail === 'reset')
        return failed(
          new WaystationError('provider_unavailable', `${slug} closed the connection without an answer.`),
          delayMs,
        );
      const { promptTokens, cachedTokens, completionTokens } = parts.planReply(
        {
          ...{ model: slug, stream: true, streamUsage: true, messages: ask.messages, tools: [] },
          ...{ toolChoice: { kind: 'none' }, toolTokens: 0, overrides: {} },
        },
        script,
        cache,
      );
      const broken = fail === 'die';
      const output = broken ? Math.min(completionTokens, afterTokens ?? 0) : completionTokens;
      const usage = { input: promptTokens - cachedTokens, cacheRead: cachedTokens, output };
      const report = { usage, usageSource: 'provider' } as const;
      const durationMs = delayMs + tokenDelayMs * output;
      return {
        firstTokenMs: delayMs,
        result: broken
          ? {
              ...{ outcome: 'failed-after-output', report, durationMs, totalBytes: output },
              error: new WaystationError(
                'provider_stream_broken',
                `${slug} closed the connection in the middle of its answer.`,
              ),
            }
          : { outcome: 'completed', report, timeToFirstTokenMs: delayMs, durationMs, totalBytes: output },
        billed: usage,
      };
    },
    wouldServe: (ask, slug, atMs) => scriptFor(ask, slug, atMs, false).fail === undefined,
  };
};
