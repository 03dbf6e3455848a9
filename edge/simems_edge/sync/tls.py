"""TLS as the site file wants it."""

from __future__ import annotations

import ssl

from simems_edge.sync.link import Cloud, LinkError


def tls_of(cloud: Cloud) -> ssl.SSLContext:
    """Raises LinkError for files that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=cloud.ca_file)
        if cloud.certificate is not None:
            context.load_cert_chain(*cloud.certificate)
    except (OSError, ssl.SSLError) as error:
        raise LinkError(f"cloud.ca_file or cloud.certificate cannot be used: {error}") from error
    return context
