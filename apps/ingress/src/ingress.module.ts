// The ingress as a Nest module: controllers over one shared `Ingress`.
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CONSOLE_FILES, type ConsoleFiles } from './console/console-files.js';
import { AccountController } from './http/account.controller.js';
import { ActivityController } from './http/activity.controller.js';
import { AssignmentsController } from './http/assignments.controller.js';
import { BooksController } from './http/books.controller.js';
import { ByokController } from './http/byok.controller.js';
import { ChatCompletionsController } from './http/chat-completions.controller.js';
import { CompletionsController } from './http/completions.controller.js';
import { ConsoleController } from './http/console.controller.js';
import { ErrorFilter } from './http/error.filter.js';
import { BudgetsController } from './http/budgets.controller.js';
import { DecisionsController } from './http/decisions.controller.js';
import { PresetsController } from './http/presets.controller.js';
import { TaskRulesController } from './http/task-rules.controller.js';
import { GuardrailsController } from './http/guardrails.controller.js';
import { JobsController } from './http/jobs.controller.js';
import { KeysController } from './http/keys.controller.js';
import { LimitsController } from './http/limits.controller.js';
import { MembersController } from './http/members.controller.js';
import { MessagesController } from './http/messages.controller.js';
import { ModelsController } from './http/models.controller.js';
import { PricesController } from './http/prices.controller.js';
import { PrivateProvidersController } from './http/private-providers.controller.js';
import { ReferenceController } from './http/reference.controller.js';
import { ResponsesController } from './http/responses.controller.js';
import { SurchargesController } from './http/surcharges.controller.js';
import { StripeWebhookController } from './http/stripe-webhook.controller.js';
import { SuspensionController } from './http/suspension.controller.js';
import { TopUpsController } from './http/topups.controller.js';
import { INGRESS, type Ingress } from './ingress.js';

@Module({})
export class IngressModule implements OnApplicationShutdown {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  static with(ingress: Ingress, consoleFiles: ConsoleFiles): DynamicModule {
    return {
      module: IngressModule,
      controllers: [
        ByokController,
        ChatCompletionsController,
        CompletionsController,
        ResponsesController,
        MessagesController,
        JobsController,
        ModelsController,
        AccountController,
        DecisionsController,
        TopUpsController,
        StripeWebhookController,
        KeysController,
        BudgetsController,
        LimitsController,
        SuspensionController,
        SurchargesController,
        MembersController,
        GuardrailsController,
        PresetsController,
        TaskRulesController,
        AssignmentsController,
        PricesController,
        PrivateProvidersController,
        ActivityController,
        BooksController,
        ConsoleController,
        ReferenceController,
      ],
      providers: [
        { provide: INGRESS, useValue: ingress },
        { provide: CONSOLE_FILES, useValue: consoleFiles },
        { provide: APP_FILTER, useValue: new ErrorFilter(ingress.context.log) },
      ],
    };
  }

  /** Streams have ended by now; what is left of the leases goes back. */
  async onApplicationShutdown(): Promise<void> {
    await this.ingress.close();
  }
}
