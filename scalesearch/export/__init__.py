"""Verified export of networks to the formats of torch, timm, torchvision and ONNX, and import of definitions."""
