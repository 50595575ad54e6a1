// Orders of credits, what was booked of them, and what the payment service told us. Bookings and events are only added to; an order's state is the one thing
// that changes. A wallet may be overdrawn by what a bank took back, and by nothing else.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, grantTo, revokeFrom } from '@waystation/postgres';

const TABLES = `
  alter table quota add column overdrawn boolean not null default false check (not overdrawn or scope = 'wallet');
  alter table quota drop constraint quota_holds;
  alter table quota add constraint quota_holds check (posted + held <= quota_limit or overdrawn);

  create table topup_order (
    order_id text collate "C" primary key,
    workspace_id text not null,
    request_id text not null,
    kind text not null check (kind in ('checkout', 'auto')),
    state text not null default 'open' check (state in ('open', 'processing', 'paid', 'failed', 'expired')),
    credits_cents bigint not null check (credits_cents > 0),
    fee_cents bigint not null check (fee_cents >= 0),
    currency text not null check (currency = 'usd'),
    saves_method boolean not null default false,
    session_id text unique,
    checkout_url text,
    payment_intent text unique,
    reason text,
    created_at timestamptz(3) not null default now(),
    paid_at timestamptz(3),
    unique (workspace_id, request_id)
  );
  create index topup_order_of_workspace on topup_order (workspace_id, created_at desc, order_id);
  -- Never two automatic orders at once, whatever process asks.
  create unique index topup_order_auto on topup_order (workspace_id) where kind = 'auto' and state in ('open', 'processing');

  -- What was booked of an order: one row for each event of libs/ledger, under the id of what it is about.
  create table payment (
    id bigint generated always as identity,
    order_id text collate "C" not null references topup_order (order_id),
    kind text not null check (kind in ('topped-up', 'refunded', 'refund-failed', 'charged-back', 'chargeback-reversed')),
    subject_id text collate "C" not null,
    workspace_id text not null,
    credits numeric(38, 0) not null check (credits >= 0),
    fee numeric(38, 0) not null check (fee >= 0),
    posting bigint not null,
    at timestamptz(3) not null default now(),
    primary key (order_id, kind, subject_id)
  );
  create index payment_of_workspace on payment (workspace_id);

  create table topup_refund (
    order_id text collate "C" not null references topup_order (order_id),
    refund_id text collate "C" not null,
    workspace_id text not null,
    credits numeric(38, 0) not null check (credits > 0),
    fee numeric(38, 0) not null check (fee >= 0),
    state text not null check (state in ('pending', 'done', 'failed')),
    via text not null check (via in ('stripe', 'manual')),
    reason text not null,
    stripe_refund text unique,
    created_at timestamptz(3) not null default now(),
    primary key (order_id, refund_id)
  );
  create index topup_refund_pending on topup_refund (created_at) where state = 'pending';

  create table dispute (
    dispute_id text primary key,
    order_id text collate "C" not null references topup_order (order_id),
    workspace_id text not null,
    state text not null check (state in ('open', 'won', 'lost')),
    opened_at timestamptz(3) not null default now()
  );
  create index dispute_of_workspace on dispute (workspace_id);

  create table stripe_event (
    event_id text primary key,
    type text not null,
    received_at timestamptz(3) not null default now()
  );

  create table auto_topup (
    workspace_id text primary key,
    enabled boolean not null,
    threshold numeric(38, 0) not null check (threshold >= 0),
    credits_cents bigint not null check (credits_cents > 0),
    daily_max_cents bigint not null check (daily_max_cents >= credits_cents),
    customer_id text not null,
    payment_method text not null,
    failures integer not null default 0,
    last_failure text,
    next_try_at_ms bigint not null default 0,
    updated_at timestamptz(3) not null default now()
  );

  -- What control has still to be told, in order.
  create table notice (
    id bigint generated always as identity primary key,
    body jsonb not null,
    at timestamptz(3) not null default now()
  );
`;

const APPEND_ONLY = ['payment', 'stripe_event'];
const OF_A_WORKSPACE = ['topup_order', 'payment', 'topup_refund', 'dispute', 'auto_topup'];
/** Nothing of these is for the routes. */
const INTERNAL = ['stripe_event', 'notice'];

export class CreatePayments1764158400201 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    for (const table of APPEND_ONLY) {
      await runner.query(`
        create trigger append_only before update or delete or truncate on ${table}
        for each statement execute function refuse_change()`);
      await runner.query(revokeFrom('writer', ['update'], table));
    }
    for (const table of OF_A_WORKSPACE) for (const statement of forceRowSecurity(table)) await runner.query(statement);
    for (const table of INTERNAL) await runner.query(revokeFrom('reader', ['select'], table));
    await runner.query(grantTo('writer', ['delete'], 'notice'));
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('the ledger only goes forward'));
  }
}
