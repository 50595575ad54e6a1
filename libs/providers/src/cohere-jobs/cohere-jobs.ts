// The jobs that Cohere does beside chat, by the names of the public dialects.
import type { Job } from '../spec.js';
import { cohereEmbed } from './cohere-embed.js';
import { cohereRerank } from './cohere-rerank.js';

export const cohereJobs: ReadonlyMap<string, Job> = new Map([
  ['embeddings', cohereEmbed],
  ['rerank', cohereRerank],
]);
