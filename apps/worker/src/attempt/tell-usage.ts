// What the journal and the end frame say was used: the provider's count, and what only the request knows. Every witness tells it alike.
import type { AttemptRunRequest, PriceRates, PriceVector } from '@waystation/contracts';
import { inputTokens, type Usage, type UsageSource } from '@waystation/generation';
import type { ResponseReport } from '@waystation/providers';

type Asked = Pick<AttemptRunRequest, 'attempt' | 'inputImages' | 'serviceTier'>;

const IMAGES = 'inputImages';

const namesImages = ({ perUnit, tiers = [] }: PriceRates): boolean =>
  [perUnit, ...tiers.map((tier) => tier.perUnit)].some((each) => Object.hasOwn(each, IMAGES));

const pricesImages = (price: PriceVector): boolean =>
  namesImages(price) || Object.values(price.serviceTiers ?? {}).some(namesImages);

/** Providers count no images: they are the request's, and used once the prompt is. */
const withImages = (usage: Usage, { attempt, inputImages = 0 }: Asked): Usage =>
  inputImages > 0 && usage[IMAGES] === undefined && inputTokens(usage) > 0 && pricesImages(attempt.price)
    ? { ...usage, [IMAGES]: inputImages }
    : usage;

export const tellUsage = (
  asked: Asked,
  { usage, usageSource, serviceTier = asked.serviceTier }: ResponseReport,
): { readonly usage: Usage; readonly usageSource: UsageSource; readonly serviceTier?: string | undefined } => ({
  usage: withImages(usage, asked),
  usageSource,
  serviceTier,
});
