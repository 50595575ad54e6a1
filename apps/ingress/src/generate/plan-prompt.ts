// The plan for what is sent: of the prompt as it came, or of what content filters left of it, or of what plugins make of it where the client or the plan asks for that.
import { toWaystationError, type RoutePlanReply, type WaystationError } from '@waystation/contracts';
import { compressPrompt } from '../compress/compress-prompt.js';
import { canReadAll, lacksFiles, mayReadFiles, parseFiles } from '../files/parse-files.js';
import type { GenerateDeps } from './generate.js';
import type { Generation } from './generation.js';
import { chooseForTask } from '../tasks/choose-for-task.js';
import { planGeneration } from './plan.js';
import { screenPrompt } from '../screen/screen-prompt.js';

type Plan = () => Promise<RoutePlanReply>;

const orThrow = (plan: RoutePlanReply | WaystationError): RoutePlanReply => {
  if (plan instanceof Error) throw plan;
  return plan;
};

/** Files become text where the client wants that, or where the model that is asked for first has no endpoint that takes them. */
const planFiles = async ({ aside }: GenerateDeps, generation: Generation, plan: Plan): Promise<RoutePlanReply> => {
  if (generation.request.plugins?.pdf === 'as-needed') {
    const first = await plan().catch(toWaystationError);
    // A plan that left nothing is told by its refusal, and kept with the generation.
    if (!lacksFiles(generation)) return orThrow(first);
    // Another model of the request may take what cannot be read here.
    if (!(first instanceof Error) && !canReadAll(generation)) return first;
  }
  await parseFiles(aside, generation);
  if (generation.fileNotes !== undefined) await screenPrompt(generation);
  return plan();
};

export const planPrompt = async (deps: GenerateDeps, generation: Generation): Promise<RoutePlanReply> => {
  const plan = (): Promise<RoutePlanReply> => planGeneration(deps.bus, generation);
  const screened = screenPrompt(generation);
  if (screened !== undefined) await screened;
  // Rules look at what is sent.
  const choice = chooseForTask(deps, generation);
  if (choice !== undefined) generation.choice = await choice;
  const first = await (mayReadFiles(generation) ? planFiles(deps, generation, plan) : plan());
  return compressPrompt(generation, first, plan) ?? first;
};
