import { describe, expect, it } from 'vitest';
import { SEARCH_ENTITIES } from './filter/ast.ts';
import { filterAttributes } from './filter/entities.ts';
import { MAX_ORDER_KEYS } from './limits.ts';
import { completeOrder, DEFAULT_ORDERS, orderAttributes, parseLoggedModelOrderBy, parseOrderBy } from './order-by.ts';

describe('order_by', () => {
  it('names what stores have to map', () => {
    expect([...orderAttributes('evaluation_dataset')]).toEqual([
      'name',
      'created_time',
      'last_update_time',
      'dataset_id',
    ]);
    expect([...filterAttributes('experiment')]).toEqual([
      ['experiment_id', 'id'],
      ['name', 'text'],
      ['creation_time', 'integer'],
      ['last_update_time', 'integer'],
    ]);
  });

  it('gives canonical keys', () => {
    expect(parseOrderBy('run', ['metrics.`a b` desc', 'Created', 'param.x-1 ASC', '"run name"'])).toEqual([
      { type: 'metric', key: 'a b', ascending: false },
      { type: 'attribute', key: 'start_time', ascending: true },
      { type: 'param', key: 'x-1', ascending: true },
      { type: 'attribute', key: 'run_name', ascending: true },
    ]);
    expect(parseOrderBy('registered_model', ['timestamp DESC'])).toEqual([
      { type: 'attribute', key: 'last_updated_timestamp', ascending: false },
    ]);
  });

  it('refuses a field that comes twice, also under an alias', () => {
    expect(() => parseOrderBy('run', ['start_time', 'Created DESC'])).toThrow(
      "`order_by` contains duplicate fields: ['start_time', 'Created DESC']",
    );
    expect(() =>
      parseOrderBy(
        'run',
        Array.from({ length: MAX_ORDER_KEYS + 1 }, (_, at) => `metrics.m${at}`),
      ),
    ).toThrow(`at most ${MAX_ORDER_KEYS}`);
  });

  it('of logged models may ask for one metric on several datasets', () => {
    expect(
      parseLoggedModelOrderBy([
        { field_name: 'metrics.loss', ascending: false, dataset_name: 'a' },
        { field_name: 'metrics.loss', dataset_name: 'b', dataset_digest: 'd' },
        { field_name: 'creation_time' },
      ]),
    ).toEqual([
      { type: 'metric', key: 'loss', ascending: false, datasetName: 'a' },
      { type: 'metric', key: 'loss', ascending: true, datasetName: 'b', datasetDigest: 'd' },
      { type: 'attribute', key: 'creation_timestamp', ascending: true },
    ]);
    expect(() => parseLoggedModelOrderBy([{}])).toThrow('`field_name`');
    expect(() => parseLoggedModelOrderBy([{ field_name: 'name', dataset_digest: 'd' }])).toThrow('`dataset_name`');
  });

  it('is always total: it ends with what is unique', () => {
    for (const entity of SEARCH_ENTITIES) {
      const { ties } = DEFAULT_ORDERS[entity];
      const keys = completeOrder(
        entity,
        parseOrderBy(entity, ['name', 'start_time'].slice(entity === 'run' ? 1 : 0).slice(0, 1)),
      );
      for (const tie of ties) expect(keys.filter(({ key }) => key === tie.key)).toHaveLength(1);
    }
    expect(completeOrder('experiment', [])).toEqual(DEFAULT_ORDERS.experiment.whenAbsent);
    expect(completeOrder('run', parseOrderBy('run', ['run_id DESC']))).toEqual([
      { type: 'attribute', key: 'run_id', ascending: false },
      { type: 'attribute', key: 'start_time', ascending: false },
    ]);
  });
});
