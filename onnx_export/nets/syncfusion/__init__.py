"""The nets of SyncFusion (Comunità et al. 2023) in the layout in which its checkpoint stores them.

Convention: a net's ``state_dict`` has the official names and shapes, so a checkpoint loads strictly, name for name.
Architecture facts: paper section 2; the configuration ``exp/model/diffusion.yaml`` of github.com/mcomunita/syncfusion
at e67ad83; the packages audio-diffusion-pytorch 0.1.3, a-unet 0.0.16 and audio-encoders-pytorch 0.0.22.
"""
