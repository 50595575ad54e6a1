// How endpoints are judged, as metrics and, where not all is well, for people: those that workers told of last, read from the board when somebody asks.
import type { HealthBoard } from '@waystation/routing';
import type { CatalogSnapshot, HeadSnapshot, Health, Metrics } from '@waystation/runtime';

/** Endpoints that are shown; the longest untold goes first. */
const SHOWN_MAX = 500;
const PERCENT = 100;

/** Answers what to call with the id of each endpoint that is told of. */
export const tellEndpoints = (
  metrics: Metrics,
  board: HealthBoard,
  catalog: HeadSnapshot<CatalogSnapshot>,
  health: Pick<Health, 'show'>,
): ((endpointId: string) => void) => {
  const told = new Set<string>();

  const read = function* <Row>(row: (id: string, provider: string, model: string) => Row | undefined): Iterable<Row> {
    for (const id of told) {
      const endpoint = catalog.current.endpoints.get(id);
      const made = endpoint === undefined ? undefined : row(id, endpoint.provider, endpoint.model);
      if (made !== undefined) yield made;
    }
  };

  metrics.gaugesBy('waystation_endpoint_state', () =>
    read((id, provider, model) => [id, provider, model, board.stateOf(id, Date.now()), 1] as const),
  );
  metrics.gaugesBy('waystation_endpoint_success_ratio', () =>
    read((id, provider, model) => {
      const { fiveMinutes } = board.statisticsOf(id, Date.now()).uptime;
      return fiveMinutes === undefined ? undefined : ([id, provider, model, fiveMinutes / PERCENT] as const);
    }),
  );
  health.show('endpoints that are not stable', () => [
    ...read((endpoint, provider, model) => {
      const state = board.stateOf(endpoint, Date.now());
      return state === 'stable' ? undefined : { provider, model, endpoint, state };
    }),
  ]);

  return (endpointId) => {
    told.delete(endpointId);
    told.add(endpointId);
    const [oldest] = told;
    if (told.size > SHOWN_MAX && oldest !== undefined) told.delete(oldest);
  };
};
