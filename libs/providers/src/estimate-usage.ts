// What to charge where the provider told no usage: counted from what was delivered, marked `estimated`, never zero because of a missing chunk.
import { estimateOutputTokens, type DeliveredContent, type Usage } from '@waystation/generation';

export const estimateUsage = (inputTokensEstimate: number, delivered: DeliveredContent): Usage => ({
  input: inputTokensEstimate,
  output: estimateOutputTokens(delivered),
});
