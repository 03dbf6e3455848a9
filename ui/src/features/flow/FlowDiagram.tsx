import type { Site, Values } from '@/shared/api/model';
import { formatSize, powerText } from '@/shared/format/quantity';
import { usePrefix } from '@/shared/format/usePrefix';
import { useT } from '@/shared/i18n/useT';
import { trusted } from '@/shared/site/topology';

import './flow.css';
import { NodeIcon } from './NodeIcon';
import { dotSpeed, flowNodes, referencePower_w, type FlowNode, type NodeId } from './flow';
import { useDots } from './useDots';

interface Props {
  site: Site;
  values: Values;
  /** Everything shown is old: drawn grey and still. */
  stale: boolean;
}

interface Place {
  x: number;
  y: number;
}

const RADIUS = 54;
const BUS: Place = { x: 300, y: 185 };
const PLACES: Record<NodeId, Place> = {
  pv: { x: 300, y: 62 },
  grid: { x: 90, y: 185 },
  load: { x: 510, y: 185 },
  ess: { x: 205, y: 308 },
  evcs: { x: 395, y: 308 },
};

function placeOf(id: NodeId, hasEv: boolean): Place {
  return id === 'ess' && !hasEv ? { x: 300, y: 308 } : PLACES[id];
}

/** The five flows of a site around its bus. Sources and sinks keep their place whatever they do. */
export function FlowDiagram({ site, values, stale }: Props) {
  const { t, locale } = useT();
  const nodes = flowNodes(site, values);
  const hasEv = nodes.some(({ id }) => id === 'evcs');
  const reference_w = referencePower_w(site, nodes);
  const speeds = Object.fromEntries(
    nodes.map((node) => [node.id, stale ? 0 : dotSpeed(node, reference_w)]),
  );
  const dots = useDots(speeds);
  const spoken = nodes
    .map(
      (node) =>
        `${t(`node.${node.id}`)}: ${t(`flow.${node.word}`)} ${powerText(node.reading.value, locale)}`,
    )
    .join('. ');
  return (
    <figure className="flow" data-stale={stale}>
      <svg viewBox="0 0 600 370" role="img" aria-label={`${t('flow.title')}. ${spoken}.`}>
        {nodes.map((node) => (
          <Leg key={node.id} node={node} place={placeOf(node.id, hasEv)} dots={dots(node.id)} />
        ))}
        <Bus label={t('node.site')} />
        {nodes.map((node) => (
          <Node key={node.id} node={node} place={placeOf(node.id, hasEv)} stale={stale} />
        ))}
      </svg>
    </figure>
  );
}

function Bus({ label }: { label: string }) {
  return (
    <g className="flow-bus">
      <rect x={BUS.x - 30} y={BUS.y - 17} width={60} height={34} rx={17} />
      <text x={BUS.x} y={BUS.y + 4.5}>
        {label}
      </text>
    </g>
  );
}

interface LegProps {
  node: FlowNode;
  place: Place;
  dots: (element: SVGPathElement | null) => void;
}

function Leg({ node, place, dots }: LegProps) {
  const path = `M${place.x} ${place.y} L${BUS.x} ${BUS.y}`;
  const flowing = node.direction === 'in' || node.direction === 'out';
  return (
    <g
      className="flow-leg"
      data-node={node.id}
      data-direction={node.direction}
      data-old={!trusted(node.reading.quality)}
    >
      <path className="flow-wire" d={path} />
      {flowing && <path className="flow-dots" d={path} ref={dots} />}
      {flowing && <Arrow from={place} inwards={node.direction === 'in'} />}
    </g>
  );
}

/** A still arrow half-way: says the direction without motion and without colour. */
function Arrow({ from, inwards }: { from: Place; inwards: boolean }) {
  const length = Math.hypot(BUS.x - from.x, BUS.y - from.y);
  const along = (RADIUS + length - 24) / 2 / length;
  const x = from.x + (BUS.x - from.x) * along;
  const y = from.y + (BUS.y - from.y) * along;
  const angle = (Math.atan2(BUS.y - from.y, BUS.x - from.x) * 180) / Math.PI + (inwards ? 0 : 180);
  return (
    <path
      className="flow-arrow"
      d="M-6 -7 L7 0 L-6 7 Z"
      transform={`translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${angle.toFixed(1)})`}
    />
  );
}

function Node({ node, place, stale }: { node: FlowNode; place: Place; stale: boolean }) {
  const { t, locale } = useT();
  const prefix = usePrefix(node.reading.value);
  const power = formatSize(node.reading.value, 'W', locale, prefix);
  const old = stale || !trusted(node.reading.quality);
  return (
    <g
      className="flow-node"
      data-node={node.id}
      data-direction={node.direction}
      data-old={old}
      transform={`translate(${place.x} ${place.y})`}
    >
      <circle r={RADIUS} className="flow-disc" />
      {node.soc_pct != null && <SocArc soc_pct={node.soc_pct} />}
      <NodeIcon id={node.id} />
      <text className="flow-name" y={-3}>
        {t(`node.${node.id}`)}
      </text>
      <text className="flow-power" y={18} data-testid={`flow-${node.id}`}>
        {power.text}
        <tspan className="flow-unit" dx={3}>
          {power.unit}
        </tspan>
      </text>
      <text className="flow-word" y={35}>
        {old && node.reading.value !== null ? t('quality.stale') : t(`flow.${node.word}`)}
      </text>
    </g>
  );
}

/** The ring of the battery fills with its state of charge. */
function SocArc({ soc_pct }: { soc_pct: number }) {
  const length = 2 * Math.PI * RADIUS;
  const filled = (Math.min(100, Math.max(0, soc_pct)) / 100) * length;
  return (
    <circle
      r={RADIUS}
      className="flow-soc"
      strokeDasharray={`${filled.toFixed(1)} ${length.toFixed(1)}`}
      transform="rotate(-90)"
    />
  );
}
