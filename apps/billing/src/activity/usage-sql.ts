// Charges as rows of usage, in SQL: one row for each revision, where tokens and the request count only with the last revision of an attempt that served a
// client, and amounts, which are differences, with every one.

/** `generation_id` as Unix seconds; ids sort by it. */
const SECONDS = `substr(c.generation_id, 5, 10)::bigint`;

const INPUT = ['input', 'cacheRead', 'cacheWrite', 'cacheWrite1h', 'audioInput', 'imageInput'];
const OUTPUT = ['output', 'reasoning', 'audioOutput', 'imageOutput'];
const tokens = (classes: readonly string[]): string =>
  classes.map((name) => `coalesce((c.usage->>'${name}')::bigint, 0)`).join(' + ');
/** All tokens of a charge `c`. */
export const ALL_TOKENS = tokens([...INPUT, ...OUTPUT]);
const counted = (expression: string): string => `case when c.is_last and c.served then ${expression} else 0 end`;

/** First generation id of an instant. */
export const idFrom = (atMs: number): string => `gen-${String(Math.ceil(atMs / 1_000)).padStart(10, '0')}`;

/** `where` speaks of `charge` alone; it must bound `generation_id`, whose order is that of the primary key. */
export const usageOfCharges = (where: string): string => `
  select ${SECONDS} / 86400 as day, ${SECONDS} / 3600 as hour, c.workspace_id, c.key_hash, coalesce(c.member_id, '') as member_id,
         coalesce(c.app_title, c.app_referer, '') as app, coalesce(c.end_user_id, '') as end_user_id, coalesce(c.session_id, '') as session_id,
         coalesce(c.tags, '{}') as tags, c.provider, c.endpoint_id, c.model, c.charged, c.byok,
         ${counted('1')} as requests, ${counted(tokens(INPUT))} as prompt_tokens, ${counted(tokens(OUTPUT))} as completion_tokens,
         ${counted(tokens(['reasoning']))} as reasoning_tokens, ${counted(tokens(['cacheRead']))} as cached_tokens
    from (select given.*, given.revision = coalesce(corrected.revision, 0) as is_last
            from (select * from charge where ${where}) given
            left join (select generation_id, attempt_id, max(revision) as revision from charge where revision > 0 and (${where}) group by 1, 2) corrected
              using (generation_id, attempt_id)) c`;

/** Usage with a row for each tag of a call, whose `tag` is that tag; calls without tags are left out, or have a row whose tag is empty. */
export const usageByTag = (usage: string, untagged: 'left out' | 'as empty'): string => `
  select u.*, t.tag from (${usage}) u
   cross join lateral unnest(${untagged === 'left out' ? 'u.tags' : `case when u.tags = '{}' then array[''] else u.tags end`}) as t (tag)`;

export const SUMS = `sum(charged) as charged, sum(byok) as byok, sum(requests) as requests, sum(prompt_tokens) as prompt_tokens,
  sum(completion_tokens) as completion_tokens, sum(reasoning_tokens) as reasoning_tokens, sum(cached_tokens) as cached_tokens`;
