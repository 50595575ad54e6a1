// `usageMetadata` to our disjoint classes: cached tokens are inside of `promptTokenCount`, thoughts beside `candidatesTokenCount`, what tools put into the prompt
// beside `promptTokenCount`. https://ai.google.dev/api/generate-content#UsageMetadata
import type { Usage } from '@waystation/generation';
import { isRecord, numberOf, recordsOf, type JsonObject } from '../json-shape.js';

/** Tokens of one modality in a list of details; 0 where none are told. */
const modality = (details: unknown, name: string): number =>
  recordsOf(details).reduce(
    (total, detail) => total + (detail['modality'] === name ? Math.max(0, numberOf(detail['tokenCount']) ?? 0) : 0),
    0,
  );

/** @returns undefined where no count was told */
export const convertUsage = (told: unknown): Usage | undefined => {
  if (!isRecord(told)) return undefined;
  const prompt = numberOf(told['promptTokenCount']);
  const candidates = numberOf(told['candidatesTokenCount']);
  const thoughts = numberOf(told['thoughtsTokenCount']);
  if (prompt === undefined && candidates === undefined && thoughts === undefined) return undefined;
  return { ...inputOf(told, prompt ?? 0), ...outputOf(told, candidates ?? 0, thoughts) };
};

const inputOf = (told: JsonObject, prompt: number): Usage => {
  const ofTools = numberOf(told['toolUsePromptTokenCount']) ?? 0;
  const cacheRead = numberOf(told['cachedContentTokenCount']);
  const [details, cached] = [told['promptTokensDetails'], told['cacheTokensDetails']];
  /** What of a modality was not cached. Both are never more than there is beside what is cached. */
  const fresh = (name: string, most: number): number =>
    Math.min(Math.max(0, modality(details, name) - modality(cached, name)), Math.max(0, most));
  const notCached = prompt - (cacheRead ?? 0);
  const audio = fresh('AUDIO', notCached);
  const image = fresh('IMAGE', notCached - audio);
  return {
    input: notCached - audio - image + ofTools,
    ...(cacheRead === undefined ? {} : { cacheRead }),
    ...(audio === 0 ? {} : { audioInput: audio }),
    ...(image === 0 ? {} : { imageInput: image }),
  };
};

const outputOf = (told: JsonObject, candidates: number, thoughts: number | undefined): Usage => {
  const details = told['candidatesTokensDetails'];
  const audio = Math.min(modality(details, 'AUDIO'), candidates);
  const image = Math.min(modality(details, 'IMAGE'), candidates - audio);
  return {
    output: candidates - audio - image,
    ...(thoughts === undefined ? {} : { reasoning: thoughts }),
    ...(audio === 0 ? {} : { audioOutput: audio }),
    ...(image === 0 ? {} : { imageOutput: image }),
  };
};
