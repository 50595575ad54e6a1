// What makes two requests one question, so that the answer to the first may be given to the second. https://openrouter.ai/docs/guides/features/response-caching
// Invariant: who asks, and under which rules, is part of it: no two workspaces, and no two keys of one, ever share an answer, nor do a key's calls before and after
// a guardrail of it changed.
import { canonicalJson } from '../json/canonical-json.js';

export interface AnswerQuestion {
  readonly workspaceId: string;
  readonly keyHash: string;
  /** Policies that hold for the call, with the version of each. */
  readonly policies: readonly { readonly id: string; readonly version: number }[];
  /** Which of our APIs was asked: the same bytes mean something else to another. */
  readonly api: string;
  readonly stream: boolean;
  /** As they are tried: a request that names none has its workspace's. */
  readonly models: readonly string[];
  readonly body: Buffer;
}

/** No two questions have the same text: the part in front holds no line break. Undefined where the body is no JSON. */
export const answerQuestionText = (question: AnswerQuestion): string | undefined => {
  const { workspaceId, keyHash, policies, api, stream, models, body } = question;
  const canonical = canonicalJson(body);
  if (canonical === undefined) return undefined;
  const rules = policies.map(({ id, version }) => [id, version]);
  return `${JSON.stringify([workspaceId, keyHash, rules, api, stream, models])}\n${canonical}`;
};

/** @param hash of any text, without collisions */
export const answerKey = (question: AnswerQuestion, hash: (text: string) => string): string | undefined => {
  const text = answerQuestionText(question);
  return text === undefined ? undefined : hash(text);
};
