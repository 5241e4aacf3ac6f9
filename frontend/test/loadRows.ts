/** The input of `load_rows` in e2e/flows.py, as Pydantic writes it. */
export const LOAD_ROWS = {
  $defs: {
    Column: {
      description: 'A column of `load_rows`.',
      properties: {
        name: {
          title: 'Name',
          type: 'string',
        },
        type: {
          default: 'text',
          enum: ['text', 'number', 'date'],
          title: 'Type',
          type: 'string',
        },
        width: {
          anyOf: [
            {
              maximum: 80,
              minimum: 1,
              type: 'integer',
            },
            {
              type: 'null',
            },
          ],
          default: null,
          title: 'Width',
        },
      },
      required: ['name'],
      title: 'Column',
      type: 'object',
    },
    FileSource: {
      description: 'Rows of a file.',
      properties: {
        kind: {
          const: 'file',
          default: 'file',
          title: 'Kind',
          type: 'string',
        },
        path: {
          description: 'Where it lies on the server.',
          minLength: 1,
          title: 'Path',
          type: 'string',
        },
        delimiter: {
          default: ',',
          title: 'Delimiter',
          type: 'string',
        },
      },
      required: ['path'],
      title: 'FileSource',
      type: 'object',
    },
    Notice: {
      description: 'Who is told, and when.',
      properties: {
        to: {
          title: 'To',
          type: 'string',
        },
        on_success: {
          default: false,
          title: 'On Success',
          type: 'boolean',
        },
      },
      required: ['to'],
      title: 'Notice',
      type: 'object',
    },
    TableSource: {
      description: 'Rows of a database.',
      properties: {
        kind: {
          const: 'table',
          default: 'table',
          title: 'Kind',
          type: 'string',
        },
        url: {
          title: 'Url',
          type: 'string',
        },
        tables: {
          default: [],
          items: {
            type: 'string',
          },
          title: 'Tables',
          type: 'array',
        },
      },
      required: ['url'],
      title: 'TableSource',
      type: 'object',
    },
  },
  additionalProperties: false,
  properties: {
    source: {
      anyOf: [
        {
          $ref: '#/$defs/FileSource',
        },
        {
          $ref: '#/$defs/TableSource',
        },
      ],
      title: 'Source',
    },
    columns: {
      items: {
        $ref: '#/$defs/Column',
      },
      title: 'Columns',
      type: 'array',
    },
    labels: {
      anyOf: [
        {
          additionalProperties: {
            type: 'string',
          },
          type: 'object',
        },
        {
          type: 'null',
        },
      ],
      default: null,
      title: 'Labels',
    },
    limits: {
      anyOf: [
        {
          additionalProperties: {
            type: 'number',
          },
          type: 'object',
        },
        {
          type: 'null',
        },
      ],
      default: null,
      title: 'Limits',
    },
    notice: {
      anyOf: [
        {
          $ref: '#/$defs/Notice',
        },
        {
          type: 'null',
        },
      ],
      default: null,
      title: 'Notice',
    },
    since: {
      anyOf: [
        {
          format: 'date',
          type: 'string',
        },
        {
          type: 'null',
        },
      ],
      default: null,
      title: 'Since',
    },
    until: {
      anyOf: [
        {
          format: 'date-time',
          type: 'string',
        },
        {
          type: 'null',
        },
      ],
      default: null,
      title: 'Until',
    },
    batch: {
      default: 500,
      description: 'Rows a transaction.',
      maximum: 10000,
      minimum: 1,
      title: 'Batch',
      type: 'integer',
    },
    rows: {
      anyOf: [
        {
          type: 'integer',
        },
        {
          const: 'all',
          type: 'string',
        },
      ],
      default: 'all',
      title: 'Rows',
    },
    dry_run: {
      default: false,
      title: 'Dry run',
      type: 'boolean',
    },
    extra: {
      anyOf: [
        {
          additionalProperties: true,
          type: 'object',
        },
        {
          type: 'null',
        },
      ],
      default: null,
      title: 'Extra',
    },
  },
  required: ['source', 'columns'],
  title: 'Load rows',
  type: 'object',
}
