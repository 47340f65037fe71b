import type { CameraView, ModelView, SiteState } from '#protocol/api.ts';
import { CAMERA_STATES } from '#protocol/messages.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import { alertComponent } from './alert-component.ts';
import { answerComponents } from './answer-components.ts';
import type { Component, DeviceDocument } from './device-document.ts';
import { EntityNames } from './entity-names.ts';
import { ONLINE } from './template.ts';

/** Its parts that are the same for all devices. */
type Common = Pick<DeviceDocument, 'o' | 'qos' | 'availability_mode'>;

/**
 * A camera with entities for what its network answers. It keeps its name in Home Assistant where another gateway gets it: then the topics of its state change.
 *
 * @returns null while its gateway has not said what it answers about
 */
export function cameraDevice(
  site: SiteState,
  view: CameraView,
  common: Common,
): readonly [id: string, document: DeviceDocument] | null {
  const { camera, gateway, state } = view;
  if (state === null) return null;
  const names = new EntityNames(site.site, 'camera', camera);
  const { backendState, alert } = siteTopics(site.site);
  const own = gatewayTopics(site.site, gateway);
  const reachable = [backendState, own.state].map((topic) => ({ topic, value_template: ONLINE }));
  const { key, ...ids } = names.of('sensor', ['state']);
  const stateOf: Component = {
    ...{ p: 'sensor', name: 'State', ...ids, device_class: 'enum', entity_category: 'diagnostic' },
    options: CAMERA_STATES,
    state_topic: own.cameraState(camera),
    value_template: '{{ value_json.state if value_json is defined else "None" }}',
    availability: reachable,
  };
  const model = modelOf(site, view);
  return [
    names.id,
    {
      dev: {
        ids: [names.id],
        name: view.displayName ?? camera,
        mf: 'Blindsight',
        mdl: model === null ? 'Camera' : `Camera with the network ${model.name}`,
      },
      ...common,
      availability: [
        ...reachable,
        {
          topic: own.cameraState(camera),
          value_template:
            '{{ "online" if value_json is defined and value_json.state == "streaming" else "offline" }}',
        },
      ],
      cmps: {
        ...(model !== null && answersOf(site, view, model, names)),
        [key]: stateOf,
        ...withAvailability(alertComponent(names, alert('+', '+'), { kind: 'camera', name: camera }), [
          reachable[0]!,
        ]),
      },
    },
  ];
}

function answersOf(
  { site }: SiteState,
  { camera, zones, regions }: CameraView,
  model: ModelView,
  names: EntityNames,
): Record<string, Component> {
  const { result } = siteTopics(site);
  const parts = regions.length === 0 ? [undefined] : regions.map(({ region }) => region);
  return Object.assign(
    {},
    ...parts.map((region) =>
      answerComponents(names, {
        ...{ model, topic: result(camera, region) },
        ...(region !== undefined && { region }),
        zones: zones.map(({ name }) => name),
      }),
    ),
  ) as Record<string, Component>;
}

/** The network that answers about a camera; null where there is none. */
function modelOf({ gateways, models }: SiteState, { gateway, state }: CameraView): ModelView | null {
  const owner = gateways.find(({ name }) => name === gateway);
  const wanted =
    state?.network === undefined
      ? owner?.model
      : [owner?.model, ...(owner?.beside ?? [])].find((one) => one?.name === state.network);
  return models.find(({ name, version }) => name === wanted?.name && version === wanted.version) ?? null;
}

function withAvailability(
  components: Record<string, Component>,
  availability: NonNullable<Component['availability']>,
): Record<string, Component> {
  return Object.fromEntries(Object.entries(components).map(([key, one]) => [key, { ...one, availability }]));
}
