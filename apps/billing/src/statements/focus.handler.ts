// The FOCUS export over the bus, part by part.
import { Controller, Inject } from '@nestjs/common';
import { BillingFocusExport, type Principal } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { mustBeOwn } from '../own-workspace.js';
import { BILLING_READER } from '../tokens.js';
import { readFocusPart, type FocusPart } from './read-focus.js';

interface FocusExport {
  readonly principal: Principal;
  readonly workspaceId: string;
  readonly month: string;
  readonly after?: string;
}

@Controller()
export class FocusHandler {
  constructor(@Inject(BILLING_READER) private readonly reader: Database) {}

  @Handles(BillingFocusExport)
  export({ principal, workspaceId, month, after }: FocusExport): Promise<FocusPart> {
    mustBeOwn(principal, workspaceId);
    return readFocusPart(this.reader, workspaceId, month, after);
  }
}
