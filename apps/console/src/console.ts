// The status page: asks for a management key, keeps it in this tab only, and shows what the ingress says every few seconds.
// Invariant: whatever comes from the server is put in as text, never as markup.
import { age, amount, clock, count, duration, isFault, type Status } from './show.js';

const KEY = 'waystation.management-key';
const EVERY_MS = 3_000;

const element = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
};

const cell = (text: string, className = ''): HTMLTableCellElement => {
  const made = document.createElement('td');
  made.textContent = text;
  made.className = className;
  return made;
};

const row = (...cells: HTMLTableCellElement[]): HTMLTableRowElement => {
  const made = document.createElement('tr');
  made.append(...cells);
  return made;
};

const emptyRow = (text: string, columns: number): HTMLTableRowElement => {
  const only = cell(text, 'hint');
  only.colSpan = columns;
  return row(only);
};

const figure = (name: string, value: string): HTMLElement[] => {
  const box = document.createElement('div');
  const term = document.createElement('dt');
  const definition = document.createElement('dd');
  term.textContent = name;
  definition.textContent = value;
  box.append(term, definition);
  return [box];
};

const showCredits = (credits: Status['credits']): void => {
  const figures = isFault(credits)
    ? figure('Billing does not answer', credits.fault)
    : [
        ...figure('Balance', amount(credits.balance)),
        ...figure('Used', amount(credits.used)),
        ...figure('Put in', amount(credits.purchased)),
        ...figure('Held now', amount(credits.held)),
      ];
  element('credits').replaceChildren(...figures);
};

const showServices = (services: Status['services']): void => {
  const rows = services.map((service) =>
    row(
      cell(service.services.join(', ')),
      cell(service.instance),
      cell(service.release),
      cell(age(service.lastSeenMs), `number ${service.lastSeenMs > 3_000 ? 'bad' : 'good'}`),
    ),
  );
  element('services').replaceChildren(...(rows.length === 0 ? [emptyRow('No service was heard yet.', 4)] : rows));
};

const showGenerations = (generations: Status['generations']): void => {
  const body = element('generations');
  if (isFault(generations)) return body.replaceChildren(emptyRow(`Logging does not answer: ${generations.fault}`, 9));
  const rows = generations.map((each) =>
    row(
      cell(clock(each.createdAt)),
      cell(each.model),
      cell(each.provider ?? '–'),
      cell(count(each.promptTokens), 'number'),
      cell(count(each.completionTokens), 'number'),
      cell(amount(each.cost), 'number'),
      cell(duration(each.latencyMs), 'number'),
      cell(duration(each.durationMs), 'number'),
      cell(
        each.error === null ? each.outcome : `${each.outcome} (${each.error})`,
        each.outcome === 'completed' ? 'good' : 'bad',
      ),
    ),
  );
  body.replaceChildren(...(rows.length === 0 ? [emptyRow('No generation yet.', 9)] : rows));
};

const tell = (text: string | undefined): void => {
  const notice = element('notice');
  notice.hidden = text === undefined;
  notice.textContent = text ?? '';
};

const showEntry = (open: boolean): void => {
  element('enter').hidden = !open;
  element('leave').hidden = open;
  if (open) element('status').hidden = true;
};

const show = (status: Status): void => {
  element('where').textContent = `${status.workspace.name} · release ${status.release}`;
  element('updated').textContent = `As of ${clock(status.at)}`;
  showCredits(status.credits);
  showServices(status.services);
  showGenerations(status.generations);
  element('status').hidden = false;
  tell(undefined);
};

const messageOf = async (response: Response): Promise<string> => {
  const body = (await response.json().catch(() => undefined)) as { error?: { message?: string } } | undefined;
  return body?.error?.message ?? `The server answered with status ${response.status}.`;
};

let timer: number | undefined;

const forget = (why?: string): void => {
  sessionStorage.removeItem(KEY);
  window.clearTimeout(timer);
  showEntry(true);
  tell(why);
};

const refresh = async (): Promise<void> => {
  const key = sessionStorage.getItem(KEY);
  if (key === null) return showEntry(true);
  showEntry(false);
  try {
    const response = await fetch('/console/data/status', { headers: { authorization: `Bearer ${key}` } });
    if (response.status === 401 || response.status === 403) return forget(await messageOf(response));
    if (response.ok) show((await response.json()) as Status);
    else tell(await messageOf(response));
  } catch (error) {
    tell(`The server cannot be reached: ${error instanceof Error ? error.message : String(error)}`);
  }
  timer = window.setTimeout(() => void refresh(), EVERY_MS);
};

element('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = element('key') as HTMLInputElement;
  sessionStorage.setItem(KEY, input.value.trim());
  input.value = '';
  void refresh();
});
element('leave').addEventListener('click', () => forget());
void refresh();
