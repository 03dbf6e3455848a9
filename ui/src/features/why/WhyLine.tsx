import { useId, useState, type ReactNode } from 'react';

import type { Site, Why } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { nameOf } from '@/shared/site/topology';

import { whySentence } from './sentence';

import './why.css';

interface Props {
  why: Why;
  site: Site | undefined;
  /** Text that says how old the sentence is, when it is. */
  age?: string | null;
}

/** One sentence on what the battery does and why; the details say who won and what bound it. */
export function WhyLine({ why, site, age = null }: Props) {
  const { t, locale } = useT();
  const [open, setOpen] = useState(false);
  const details = useId();
  const sentence = whySentence(why, { t, locale, name: (id) => nameOf(site, id) });
  return (
    <section className="why" data-old={age !== null} aria-label={t('why.label')}>
      <p className="why-sentence" data-testid="why">
        {age !== null && <span className="why-age">{age} </span>}
        {sentence}
      </p>
      <button
        type="button"
        className="why-toggle"
        aria-expanded={open}
        aria-controls={details}
        onClick={() => setOpen(!open)}
      >
        {open ? t('why.hide') : t('why.details')}
      </button>
      {open && <Details id={details} why={why} site={site} />}
    </section>
  );
}

function Details({ id, why, site }: { id: string; why: Why; site: Site | undefined }) {
  const { t } = useT();
  const controller = site?.controllers.find((item) => item.id === why.source);
  const source = controller === undefined ? why.source : `${why.source} (${controller.type})`;
  return (
    <dl id={id} className="why-details">
      <Row term={t('why.winner')}>{source === '' ? t('why.nobody') : source}</Row>
      <Row term={t('why.bound')}>{why.bound ?? t('why.nothing')}</Row>
      <Row term={t('why.code')}>
        <code>{why.code}</code>
      </Row>
      {Object.entries(why.params).map(([name, value]) => (
        <Row key={name} term={name}>
          {typeof value === 'number' ? Math.round(value * 100) / 100 : value}
        </Row>
      ))}
    </dl>
  );
}

function Row({ term, children }: { term: string; children: ReactNode }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}
