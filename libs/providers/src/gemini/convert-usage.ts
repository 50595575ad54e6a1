// `usageMetadata` to our disjoint classes: cached tokens are inside of `promptTokenCount`, thoughts beside `candidatesTokenCount`, what tools put into the prompt
// beside `promptTokenCount`. https://ai.google.dev/api/generate-content#UsageMetadata
import type { Usage } from '@waystation/generation';
import { isRecord, numberOf, type JsonObject } from '../json-shape.js';

/** Tokens of one modality in a list of details; 0 where none are told. */
const modality = (details: unknown, name: string): number => {
  if (!Array.isArray(details)) return 0;
  let tokens = 0;
  for (const detail of details as unknown[])
    if (isRecord(detail) && detail['modality'] === name) tokens += Math.max(0, numberOf(detail['tokenCount']) ?? 0);
  return tokens;
};

/** Every event of a stream tells it anew. @returns undefined where no count was told */
export const convertUsage = (told: unknown): Usage | undefined => {
  if (!isRecord(told)) return undefined;
  const prompt = numberOf(told['promptTokenCount']);
  const candidates = numberOf(told['candidatesTokenCount']);
  const thoughts = numberOf(told['thoughtsTokenCount']);
  if (prompt === undefined && candidates === undefined && thoughts === undefined) return undefined;
  const usage: Record<string, number> = {};
  setInput(usage, told, prompt ?? 0);
  setOutput(usage, told, candidates ?? 0, thoughts);
  return usage;
};

const setInput = (usage: Record<string, number>, told: JsonObject, prompt: number): void => {
  const ofTools = numberOf(told['toolUsePromptTokenCount']) ?? 0;
  const cacheRead = numberOf(told['cachedContentTokenCount']);
  const [details, cached] = [told['promptTokensDetails'], told['cacheTokensDetails']];
  /** What of a modality was not cached. Both are never more than there is beside what is cached. */
  const fresh = (name: string, most: number): number =>
    Math.min(Math.max(0, modality(details, name) - modality(cached, name)), Math.max(0, most));
  const notCached = prompt - (cacheRead ?? 0);
  const audio = fresh('AUDIO', notCached);
  const image = fresh('IMAGE', notCached - audio);
  usage['input'] = notCached - audio - image + ofTools;
  if (cacheRead !== undefined) usage['cacheRead'] = cacheRead;
  if (audio !== 0) usage['audioInput'] = audio;
  if (image !== 0) usage['imageInput'] = image;
};

const setOutput = (
  usage: Record<string, number>,
  told: JsonObject,
  candidates: number,
  thoughts: number | undefined,
): void => {
  const details = told['candidatesTokensDetails'];
  const audio = Math.min(modality(details, 'AUDIO'), candidates);
  const image = Math.min(modality(details, 'IMAGE'), candidates - audio);
  usage['output'] = candidates - audio - image;
  if (thoughts !== undefined) usage['reasoning'] = thoughts;
  if (audio !== 0) usage['audioOutput'] = audio;
  if (image !== 0) usage['imageOutput'] = image;
};
