"""Configure the documentation site: `make docs`. It builds offline, and its pages load nothing from other sites."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "scalesearch"
author = "the scalesearch authors"
copyright = "the scalesearch authors, Apache-2.0"  # noqa: A001 (Sphinx's name)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "command_line", "plain_docstrings"]
root_doc = "index"
exclude_patterns = ["_build", "_ext", "figures/*.py", "schema"]
html_theme = "furo"
html_title = "scalesearch"
html_static_path: list[str] = []
html_show_sphinx = False
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "undoc-members": False}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
