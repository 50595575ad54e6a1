// Where a customer's own key may be sent: a provider's slug can come to mean another address, and a secret must not follow it there.
// Keys of before were kept for where their provider is now, or for the address that they bring.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const KEEP = `
  alter table credentials add column origin text;

  update credentials
     set origin = substring(coalesce(
           credentials.base_url,
           (select body ->> 'baseUrl' from catalog where kind = 'provider' and catalog.id = credentials.provider)
         ) from '^https?://[^/?#]+')
   where workspace_id is not null;
`;

export class KeepOriginOfOwnKeys1764191523149 implements MigrationInterface {
  name = 'KeepOriginOfOwnKeys1764191523149';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(KEEP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table credentials drop column origin');
  }
}
