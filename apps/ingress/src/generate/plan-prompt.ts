// The plan for what is sent: of the prompt as it came, or of what plugins make of it where the plan asks for that.
import type { RoutePlanReply } from '@waystation/contracts';
import { compressPrompt } from '../compress/compress-prompt.js';
import type { GenerateDeps } from './generate.js';
import type { Generation } from './generation.js';
import { planGeneration } from './plan.js';

export const planPrompt = async ({ bus }: GenerateDeps, generation: Generation): Promise<RoutePlanReply> => {
  const plan = (): Promise<RoutePlanReply> => planGeneration(bus, generation);
  const first = await plan();
  return (await compressPrompt(generation, first, plan)) ?? first;
};
