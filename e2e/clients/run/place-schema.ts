// PLACE_SCHEMA for SDKs that want zod.
import { z } from 'zod';

export const placeSchema = z.object({ city: z.enum(['Vienna']), days: z.number() });
