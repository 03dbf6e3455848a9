import { Skeleton } from '@mantine/core';

/** The shape of the site page before anything is known. */
export function SiteSkeleton() {
  return (
    <div aria-busy="true">
      <Skeleton height={28} width={520} mb={16} />
      <div className="site-grid">
        <Skeleton height={372} radius="md" />
        <div className="side">
          <Skeleton height={200} radius="md" />
          <Skeleton height={156} radius="md" />
        </div>
        <Skeleton className="wide" height={480} radius="md" />
      </div>
    </div>
  );
}
