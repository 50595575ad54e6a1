// Control: what people decide. Workspaces, keys, policies, providers and credentials live here; the data plane lives from what it publishes to KV.
import type { MigrateOptions } from '@waystation/postgres';
import type { AppDefinition } from '@waystation/runtime';
import { controlConfig, type ControlConfig } from './config.js';
import { ControlModule } from './control.module.js';
import { AddSurcharges1764170000102 } from './migrations/add-surcharges.js';
import { AddSuspension1764158400102 } from './migrations/add-suspension.js';
import { AddTokenCredentials1764172800104 } from './migrations/add-token-credentials.js';
import { CreateGuardrails1764165600104 } from './migrations/create-guardrails.js';
import { CreateLimits1764150000001 } from './migrations/create-limits.js';
import { ExplainSuspension1764165600103 } from './migrations/explain-suspension.js';
import { CreateControl1763800000002 } from './migrations/create-control.js';
import { CreateOwnKeys1764181200117 } from './migrations/create-own-keys.js';
import { CreatePrivateProviders1764183661137 } from './migrations/create-private-providers.js';
import { CreatePresets1764187200153 } from './migrations/create-presets.js';
import { LimitOwnKeys1764190800739 } from './migrations/limit-own-keys.js';
import { KeepOriginOfOwnKeys1764191523149 } from './migrations/keep-origin-of-own-keys.js';
import { WidenCredentialKinds1764176400105 } from './migrations/widen-credential-kinds.js';

export const app: AppDefinition<ControlConfig> = {
  name: 'control',
  config: controlConfig,
  module: (context) => ControlModule.of(context),
};

export const migrations: MigrateOptions['migrations'] = [
  CreateControl1763800000002,
  CreateLimits1764150000001,
  AddSuspension1764158400102,
  ExplainSuspension1764165600103,
  AddSurcharges1764170000102,
  CreateGuardrails1764165600104,
  AddTokenCredentials1764172800104,
  WidenCredentialKinds1764176400105,
  CreateOwnKeys1764181200117,
  CreatePrivateProviders1764183661137,
  CreatePresets1764187200153,
  LimitOwnKeys1764190800739,
  KeepOriginOfOwnKeys1764191523149,
];
