import { create, createFileRegistry, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import {
  Edition,
  FeatureSet_FieldPresence,
  FeatureSet_MessageEncoding,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FieldOptions_JSType,
  FileDescriptorProtoSchema,
  file_google_protobuf_struct,
  file_google_protobuf_wrappers,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';

type FieldInit = MessageInitShape<typeof FieldDescriptorProtoSchema>;

const SCALARS = Object.values(Type).filter(
  (type): type is Type => typeof type === 'number' && ![Type.GROUP, Type.MESSAGE, Type.ENUM].includes(type),
);
/** Types that the encoder writes itself; of the others, even the absence of a field without presence is left to the runtime. */
const COMMON = [Type.STRING, Type.BYTES, Type.BOOL, Type.FLOAT, Type.INT32, Type.UINT32, Type.INT64, Type.UINT64];
const UNPACKABLE = [Type.STRING, Type.BYTES];
const KEYS = SCALARS.filter((type) => ![Type.FLOAT, Type.DOUBLE, Type.BYTES].includes(type));

let number = 0;
/** Fields are numbered downwards, so that their order in the file is not that of their numbers. */
const field = (name: string, init: FieldInit): FieldDescriptorProto =>
  create(FieldDescriptorProtoSchema, { name, number: 5_000 - number++ * 20, label: Label.OPTIONAL, ...init });
const nameOf = (type: Type): string => Type[type].toLowerCase();

const entryName = (type: Type): string => `M${nameOf(type)}Entry`;
const mapOf = (type: Type): FieldInit => ({
  label: Label.REPEATED,
  type: Type.MESSAGE,
  typeName: `.every.Field.${entryName(type)}`,
});
const every = create(FileDescriptorProtoSchema, {
  name: 'every.proto',
  package: 'every',
  syntax: 'proto3',
  dependency: ['google/protobuf/wrappers.proto', 'google/protobuf/struct.proto'],
  enumType: [
    {
      name: 'Sort',
      value: [
        { name: 'NONE', number: 0 },
        { name: 'SOME', number: 7 },
        { name: 'LESS', number: -3 },
      ],
    },
  ],
  messageType: [
    {
      name: 'Field',
      oneofDecl: [{ name: 'first' }, { name: 'second' }, ...SCALARS.map((type) => ({ name: `_o${nameOf(type)}` }))],
      nestedType: KEYS.map((type, n) => ({
        name: entryName(type),
        options: { mapEntry: true },
        field: [
          { name: 'key', number: 1, label: Label.OPTIONAL, type },
          // Scalars, messages and enums in turn.
          {
            name: 'value',
            number: 2,
            label: Label.OPTIONAL,
            ...[
              { type },
              { type: Type.MESSAGE, typeName: '.every.Field' },
              { type: Type.ENUM, typeName: '.every.Sort' },
            ][n % 3],
          },
        ],
      })),
      field: [
        ...SCALARS.flatMap((type, n) => [
          ...(COMMON.includes(type) ? [field(`s${nameOf(type)}`, { type })] : []),
          // The members of two oneofs take turns.
          field(`c${nameOf(type)}`, { type, oneofIndex: n % 2 }),
          field(`o${nameOf(type)}`, { type, oneofIndex: n + 2, proto3Optional: true }),
          field(`r${nameOf(type)}`, { type, label: Label.REPEATED }),
          ...(UNPACKABLE.includes(type)
            ? []
            : [field(`u${nameOf(type)}`, { type, label: Label.REPEATED, options: { packed: false } })]),
        ]),
        ...KEYS.map((type) => field(`m${nameOf(type)}`, mapOf(type))),
        field('sort', { type: Type.ENUM, typeName: '.every.Sort' }),
        field('sorts', { type: Type.ENUM, typeName: '.every.Sort', label: Label.REPEATED }),
        field('inner', { type: Type.MESSAGE, typeName: '.every.Field' }),
        field('inners', { type: Type.MESSAGE, typeName: '.every.Field', label: Label.REPEATED }),
        field('bare', { type: Type.MESSAGE, typeName: '.google.protobuf.UInt32Value' }),
        field('chosen_bare', { type: Type.MESSAGE, typeName: '.google.protobuf.StringValue', oneofIndex: 0 }),
        field('bares', { type: Type.MESSAGE, typeName: '.google.protobuf.BoolValue', label: Label.REPEATED }),
        field('json', { type: Type.MESSAGE, typeName: '.google.protobuf.Struct' }),
        field('highest', { type: Type.UINT32, number: 2 ** 29 - 1 }),
      ],
    },
    {
      name: 'Singular',
      field: [
        ...SCALARS.map((type) => field(`s${nameOf(type)}`, { type })),
        field('text_long', { type: Type.INT64, options: { jstype: FieldOptions_JSType.JS_STRING } }),
      ],
    },
  ],
});

const edition = create(FileDescriptorProtoSchema, {
  name: 'edition.proto',
  package: 'edition',
  syntax: 'editions',
  edition: Edition.EDITION_2023,
  messageType: [
    {
      name: 'Field',
      field: [
        field('plain', {
          type: Type.UINT32,
          options: { features: { fieldPresence: FeatureSet_FieldPresence.IMPLICIT } },
        }),
        field('group', {
          type: Type.MESSAGE,
          typeName: '.edition.Nothing',
          options: { features: { messageEncoding: FeatureSet_MessageEncoding.DELIMITED } },
        }),
        field('groups', {
          type: Type.MESSAGE,
          typeName: '.edition.Nothing',
          label: Label.REPEATED,
          options: { features: { messageEncoding: FeatureSet_MessageEncoding.DELIMITED } },
        }),
      ],
    },
    { name: 'Nothing' },
    { name: 'Defaults', field: [field('with_default', { type: Type.STRING, defaultValue: 'nothing' })] },
    {
      name: 'Required',
      field: [
        field('required', {
          type: Type.MESSAGE,
          typeName: '.edition.Nothing',
          options: { features: { fieldPresence: FeatureSet_FieldPresence.LEGACY_REQUIRED } },
        }),
        field('required_number', {
          type: Type.UINT32,
          options: { features: { fieldPresence: FeatureSet_FieldPresence.LEGACY_REQUIRED } },
        }),
      ],
    },
  ],
});

const DEPENDENCIES = [file_google_protobuf_wrappers, file_google_protobuf_struct];
const resolve = (name: string) => DEPENDENCIES.find(({ proto }) => proto.name === name)?.proto;

/** Message types with every kind of field that protobuf has, in whatever order of numbers. */
export const EVERY_FIELD: readonly DescMessage[] = [every, edition].flatMap((file) => [
  ...createFileRegistry(file, resolve).getFile(file.name)!.messages,
]);
